"""What is expected of a pair, and of one of which no version says anything.

Without a fitted version an answer is the pair's own rate, else the rate of all pairs, else what the
rules say. Evidence against a rule is never silent: too little of it for a rate, it still takes the
rule's verdict back.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from learners.catalog._compatibility import rules
from learners.catalog._compatibility.features import NOTHING, PAIR, Own
from learners.catalog._compatibility.memory import UNIT, CompatibilityMemory
from learners.catalog._compatibility.types import Catalogue, Context, Pair, Verdict, verdict_of
from learners.learner import Row, Source
from learners.numerics import counts

OBSERVED = 5  # tests of a pair from which its own rate is served
TOLD = 20  # outcomes about TOLD_PAIRS different pairs from which the pooled rate is served
TOLD_PAIRS = 5
AGAINST = 3  # outcomes that all contradict a rule, from which its verdict is not given
SAME = 3  # outcomes of components with themselves from which a model can know of such pairs
WEAKEST: tuple[Source, ...] = ("abstained", "rules", "base_rate", "observed", "model")
NO_ROW: Row = np.empty(0, dtype=np.float32)


class Judged(NamedTuple):
    """A pair with what is expected of it."""

    pair: Pair
    probability: float | None
    verdict: Verdict
    source: Source
    own: Own
    row: Row = NO_ROW
    why: tuple[str, ...] = ()


def weakest(sources: Iterable[Source]) -> Source:
    """Return the source that an answer resting on all of these has."""
    found: Source = "model"
    for source in sources:
        if WEAKEST.index(source) < WEAKEST.index(found):
            found = source
    return found


def untrained(
    catalogue: Catalogue, memory: CompatibilityMemory, where: Context, pair: Pair, own: Own
) -> Judged:
    """Return what is expected of a pair while no version is served."""
    s, f = own.told
    all_s, all_f = memory.counts["all"].get("", NOTHING)
    others_s, others_f = all_s / UNIT - s, all_f / UNIT - f
    base = (others_s + 1) / (others_s + others_f + 2)
    p = counts.shrunk(s, f, min(max(base, 0.01), 0.99), PAIR)
    if s + f >= OBSERVED:
        return Judged(pair, p, verdict_of(p), "observed", own)
    if pair[0] == pair[1]:
        # The rate of different components says nothing of one with itself.
        return alone(catalogue, memory, where, pair, own)
    pairs = len(memory.counts["pair"])
    # A set that works tells of several pairs at once, one that fails of none.
    if min(all_s + all_f, memory.outcomes * UNIT) >= TOLD * UNIT and pairs >= TOLD_PAIRS:
        why = _pooled(others_s, others_f, pairs, own)
        return Judged(pair, p, verdict_of(p), "base_rate", own, why=(why,))
    a, b = catalogue.get(pair[0]), catalogue.get(pair[1])
    return _by_rules(pair, own, *rules.judge(a, b, where))


def _pooled(s: float, f: float, pairs: int, own: Own) -> str:
    """Return what the base rate rests on: all but the pair's own outcomes here."""
    elsewhere = sum(own.elsewhere) > 0
    others = pairs - int(own.n > 0 and not elsewhere)
    said = f"{s:.0f} of {s + f:.0f} outcomes over {others} pairs succeeded"
    if own.n:
        return said
    return f"{said}; nothing of this pair{' here' if elsewhere else ''}"


def alone(
    catalogue: Catalogue, memory: CompatibilityMemory, where: Context, pair: Pair, own: Own
) -> Judged:
    """Return what the rules say of a component with itself."""
    it = catalogue.get(pair[0])
    s, f = memory.counts["same"].get("", NOTHING)
    said = f"{s / UNIT:.0f} of {(s + f) / UNIT:.0f} outcomes of mixins with themselves succeeded"
    if not s + f:
        said = "nothing was told of any mixin with itself"
    return _by_rules(pair, own, "incompatible", (*rules.conflicts(it, it, where), said))


def unheard(memory: CompatibilityMemory, pair: Pair) -> bool:
    """Return whether this is a component with itself while next to no such pair was told."""
    return pair[0] == pair[1] and sum(memory.counts["same"].get("", NOTHING)) < SAME * UNIT


def _by_rules(pair: Pair, own: Own, verdict: Verdict, why: tuple[str, ...]) -> Judged:
    if verdict == "unknown":
        needed = () if own.n else (f"{OBSERVED} tests of this pair are needed, 0 are known",)
        return Judged(pair, None, verdict, "abstained", own, why=(*why, *needed))
    if contradicted(verdict, *own.told):
        why = (f"what was told speaks against the rules, which say {verdict}", *why)
        verdict = "unknown"
    return Judged(pair, None, verdict, "rules", own, why=why)


def contradicted(verdict: Verdict, successes: float, failures: float) -> bool:
    """Return whether a few outcomes all speak against a verdict of the rules."""
    for_it, against = successes, failures
    if verdict == "incompatible":
        for_it, against = failures, successes
    return verdict != "unknown" and not for_it and against >= AGAINST
