"""Combinations whose success departs from what was expected of their parts (002-05).

Every outcome adds what was expected of it beforehand, so that an able agent on easy tasks is no
pattern. The test is two-sided, and the false discovery rate over all combinations is held
(Benjamini, Y. and Yekutieli, D. 2001: combinations overlap, so their tests depend on each other).
"""

from collections.abc import Iterator
from itertools import combinations
from math import erfc, sqrt
from typing import NamedTuple

from learners.catalog._generation.memory import MOST_PATTERNS, GenerationMemory
from learners.catalog._generation.types import GenerationQuery

PARTS = ("task_type", "language", "framework", "agent", "model", "template")
JOINED, IS = " & ", "="
ENOUGH = 12  # outcomes of a combination from which it is tested
RATE = 0.05  # of false discoveries


class Pattern(NamedTuple):
    """A combination that does better or worse than its parts promise."""

    what: str
    n: int
    rate: float
    expected: float
    p: float


def combinations_of(query: GenerationQuery) -> Iterator[str]:
    """Yield every pair of what is known of a question, and all of it together."""
    known = [f"{part}{IS}{value}" for part in PARTS if (value := getattr(query, part))]
    for pair in combinations(known, 2):
        yield JOINED.join(pair)
    if len(known) > 2:
        yield JOINED.join(known)


def watch(memory: GenerationMemory, query: GenerationQuery, expected: float, y: float) -> None:
    """Count an outcome for its combinations, beside what was expected of it."""
    kept = memory.patterns
    for key in combinations_of(query):
        sums = kept.setdefault(key, [0.0, 0.0, 0.0, 0.0])
        for i, value in enumerate((1.0, y, expected, expected * (1.0 - expected))):
            sums[i] += value
    if len(kept) > MOST_PATTERNS:
        rare = sorted(kept, key=lambda key: (kept[key][0], key))
        for key in rare[: MOST_PATTERNS // 8]:
            del kept[key]


def emerging(memory: GenerationMemory, rate: float = RATE) -> tuple[Pattern, ...]:
    """Return the combinations that depart from expectation, surest first."""
    tested = sorted(
        (_pattern(key, *sums) for key, sums in memory.patterns.items() if sums[0] >= ENOUGH),
        key=lambda each: (each.p, each.what),
    )
    harmonic = sum(1.0 / i for i in range(1, len(tested) + 1))
    found = 0
    for i, each in enumerate(tested, 1):
        if each.p <= rate * i / (len(tested) * harmonic):
            found = i
    return tuple(tested[:found])


def _pattern(key: str, n: float, good: float, expected: float, variance: float) -> Pattern:
    z = abs(good - expected) / sqrt(max(variance, 1e-9))
    return Pattern(key, int(n), good / n, expected / n, erfc(z / sqrt(2.0)))
