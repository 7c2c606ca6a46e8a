"""Additive effects learned one outcome at a time, each with what is known of it.

An outcome is the sum of effects (of the agent, of the task, ...) plus noise. Every effect is
believed to be normal, beginning at mean 0 with its prior variance: one seen seldom stays near 0,
whatever the few outcomes were, and one seen often moves freely. Assumed-density filtering: after
each outcome the joint belief is replaced by independent normal ones of the same means and
variances (Maybeck, P. S. 1982; Graepel, T. et al. 2010 for the binary case; with agents and tasks
as effects it is the model of Rasch, G. 1960, learned online).
"""

from collections.abc import Sequence
from math import exp, log2, pi, sqrt
from typing import NamedTuple

STEPS = 30
CLOSE = 1e-9


class Belief(NamedTuple):
    """What is believed of one effect, or of a sum of them."""

    mean: float
    variance: float


def together(beliefs: Sequence[Belief], by: Sequence[float] | None = None) -> Belief:
    """Return the belief of a sum of effects, each times its value ``by`` (1 unless given)."""
    if by is None:
        return Belief(sum(b.mean for b in beliefs), sum(b.variance for b in beliefs))
    pairs = list(zip(beliefs, by, strict=True))
    return Belief(sum(b.mean * x for b, x in pairs), sum(b.variance * x * x for b, x in pairs))


def probability(of: Belief) -> float:
    """Return the mean probability of a one when the log odds are normal (MacKay, D. 1992)."""
    z = of.mean / sqrt(1.0 + pi * of.variance / 8.0)
    return 1.0 / (1.0 + exp(-max(-40.0, min(40.0, z))))


def information(of: Belief) -> float:
    """Return what the outcome of a binary question would teach of its log odds, in bits.

    Half the logarithm of by how much their precision grows (Lindley, D. 1956; MacKay, D. 1992).
    Nothing where they are known already, little where the outcome is.
    """
    p = probability(of)
    return 0.5 * log2(1.0 + of.variance * p * (1.0 - p))


class Pull(NamedTuple):
    """How an outcome moves each effect: mean by ``v * step``, variance by ``-v * v * shrink``."""

    step: float
    shrink: float


def of_binary(whole: Belief, y: float) -> Pull:
    """Return how an outcome in [0, 1] pulls, by the mode of the log odds given it."""
    at = whole.mean
    for _ in range(STEPS):
        p = 1.0 / (1.0 + exp(-max(-40.0, min(40.0, at))))
        move = (at - whole.mean - whole.variance * (y - p)) / (1 + whole.variance * p * (1 - p))
        at -= move
        if abs(move) < CLOSE:
            break
    p = 1.0 / (1.0 + exp(-max(-40.0, min(40.0, at))))
    curve = p * (1 - p)
    return Pull(y - p, curve / (1 + curve * whole.variance))


def of_value(whole: Belief, y: float, noise: float, most: float = 3.0) -> Pull:
    """Return how a value pulls; what lies beyond ``most`` deviations pulls no further (Huber)."""
    spread = whole.variance + noise
    distance = y - whole.mean
    limit = most * sqrt(spread)
    return Pull(max(-limit, min(limit, distance)) / spread, 1.0 / spread)


def moved(belief: Belief, pull: Pull, by: float = 1.0) -> Belief:
    """Return an effect after an outcome in which it took part ``by`` times."""
    gain = belief.variance * by
    return Belief(belief.mean + gain * pull.step, belief.variance - gain * gain * pull.shrink)
