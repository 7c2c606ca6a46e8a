"""How far two shares are apart: Newcombe's interval, and levels shared by many comparisons.

Newcombe, R. G. (1998), method 10: the difference of two shares from their Wilson intervals.
"""

from statistics import NormalDist
from typing import NamedTuple

from learners.numerics.metrics import wilson


class Share(NamedTuple):
    """Successes out of n."""

    successes: float
    n: float

    @property
    def value(self) -> float:
        """The share; one half where nothing was seen."""
        return self.successes / self.n if self.n else 0.5


class Difference(NamedTuple):
    """By how much one share is above another, with its interval."""

    value: float
    low: float
    high: float


def shared_z(comparisons: int, level: float = 0.95) -> float:
    """Return the width, in standard deviations, at which all comparisons hold together.

    Bonferroni: each is given its part of what may go wrong, on both sides.

    >>> round(shared_z(1), 2), round(shared_z(20), 2)
    (1.96, 3.02)
    """
    return NormalDist().inv_cdf(1 - (1 - level) / (2 * max(1, comparisons)))


def difference(one: Share, other: Share, z: float) -> Difference:
    """Return ``one`` minus ``other`` with the interval of that width.

    >>> apart = difference(Share(56, 70), Share(48, 80), 1.96)
    >>> round(apart.value, 4), round(apart.low, 4), round(apart.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    (low, high), (low_other, high_other) = wilson(*one, z), wilson(*other, z)
    a, b = one.value, other.value
    below = ((a - low) ** 2 + (high_other - b) ** 2) ** 0.5
    above = ((high - a) ** 2 + (b - low_other) ** 2) ** 0.5
    return Difference(a - b, a - b - below, a - b + above)
