"""Combinations whose success departs from what was expected of their parts (002-05).

Every outcome adds what was expected of it beforehand, so that an able agent on easy tasks is no
pattern. What all outcomes of a part depart by is taken out of its combinations (an expectation
that is a little wrong for everything is none, either): what is left is theirs alone. The test is
two-sided, and the false discovery rate over all combinations is held (Benjamini, Y. and Yekutieli,
D. 2001: combinations overlap, so their tests depend on each other).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import erfc, sqrt
from typing import NamedTuple

from learners.catalog._generation.memory import MOST_PATTERNS, GenerationMemory
from learners.catalog._generation.types import GenerationQuery

PARTS = ("task_type", "language", "framework", "agent", "model", "template")
JOINED, IS = " & ", "="
EVERYTHING = ""
SMALL = 1e-9
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
    """Yield everything, each part of what is known of a question, every pair, and all together."""
    known = [f"{part}{IS}{value}" for part in PARTS if (value := getattr(query, part))]
    yield EVERYTHING
    yield from known
    for pair in combinations(known, 2):
        yield JOINED.join(pair)
    if len(known) > 2:
        yield JOINED.join(known)


def watch(
    memory: GenerationMemory,
    query: GenerationQuery,
    expected: float,
    y: float,
    before: tuple[GenerationQuery, float] | None = None,
) -> None:
    """Count an outcome for its combinations, beside what was expected of it.

    Args:
        before: The question and outcome that are corrected. Where it is the same question, what
            was expected stays as it was.
    """
    kept = memory.patterns
    same = before is not None and list(combinations_of(before[0])) == list(combinations_of(query))
    added = (1.0, y, expected, expected * (1.0 - expected))
    if same and before is not None:
        added = (0.0, y - before[1], 0.0, 0.0)
    for key in combinations_of(query):
        sums = kept.setdefault(key, [0.0, 0.0, 0.0, 0.0])
        for i, value in enumerate(added):
            sums[i] += value
    if len(kept) > MOST_PATTERNS:
        rare = sorted((sums[0], key) for key, sums in kept.items())
        for _, key in rare[: MOST_PATTERNS // 4]:
            del kept[key]


def enough(memory: GenerationMemory) -> tuple[str, ...]:
    """Return the combinations with enough outcomes to be tested."""
    kept = memory.patterns
    return tuple(key for key, sums in kept.items() if sums[0] >= ENOUGH and JOINED in key)


def findings(memory: GenerationMemory) -> tuple[str, ...]:
    """Return the combinations that depart from expectation, in words."""
    return tuple(
        f"{each.what}: {each.rate:.0%} of {each.n} accepted unmodified where its parts promise "
        f"{each.expected:.0%} (p {each.p:.1g})"
        for each in emerging(memory)
    )


def emerging(memory: GenerationMemory, rate: float = RATE) -> tuple[Pattern, ...]:
    """Return the combinations that depart from expectation, surest first."""
    kept = memory.patterns
    found_in = (_pattern(kept, key) for key in enough(memory))
    tested = sorted(found_in, key=lambda each: (each.p, each.what))
    harmonic = sum(1.0 / i for i in range(1, len(tested) + 1))
    found = 0
    for i, each in enumerate(tested, 1):
        if each.p <= rate * i / (len(tested) * harmonic):
            found = i
    return tuple(tested[:found])


def _pattern(kept: Mapping[str, Sequence[float]], key: str) -> Pattern:
    """Test a combination against what its parts depart by, one at a time.

    In the terms of a score test of log odds: ``excess`` over ``variance`` is by how much they are
    off, and the share of a part's outcomes that are the combination's own tells its part in that.
    """
    n, good, expected, variance = kept[key]
    whole = _off(kept, EVERYTHING)
    own, left = whole, 1.0
    for part in key.split(JOINED):
        own += _off(kept, part) - whole
        left *= 1.0 - min(1.0, variance / max(kept[part][3], SMALL)) if part in kept else 1.0
    expected += variance * own
    z = abs(good - expected) / sqrt(max(variance * left, SMALL)) if left > SMALL else 0.0
    return Pattern(key, int(n), good / n, min(1.0, max(0.0, expected / n)), erfc(z / sqrt(2.0)))


def _off(kept: Mapping[str, Sequence[float]], part: str) -> float:
    """Return by how much the log odds of a part were off, on average."""
    if part not in kept:
        return 0.0
    _, good, expected, variance = kept[part]
    return (good - expected) / max(variance, SMALL)
