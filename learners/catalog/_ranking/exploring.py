"""Who comes first among those that are as good as equal.

Only what comes first is tried most, and only what is tried becomes known: without trying the others
the first lead would be kept for ever (X-35). So in one answer of ten the first place is dealt out
among near-ties, and the chance of what came of it is returned and logged.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

SHARE = 0.1  # of answers whose first place is dealt out
KNOWN = 8  # times tried that what is known beforehand is worth
MOST = 4


class Draw(NamedTuple):
    """Which of the ordered ones comes first, and how probable that was."""

    first: int
    propensity: float


def near_ties(values: Sequence[float], tried: Sequence[int]) -> list[int]:
    """Return the places of those within reach of the best: the best, then the least tried.

    Args:
        values: Log odds, best first.
        tried: How often each was seen.
    """
    behind = [values[0] - value for value in values]
    near = [i for i, gap in enumerate(behind) if i and gap <= reach(tried[i])]
    return [0, *sorted(near, key=lambda i: tried[i])[: MOST - 1]]


def reach(tried: int) -> float:
    """Return how far, in log odds, a rate may be from what it seems: a standard deviation.

    Of a share around one half; it shrinks with the number of times something was tried.

    >>> round(reach(0), 2), round(reach(5), 2), round(reach(400), 2)
    (0.71, 0.55, 0.1)
    """
    return 2.0 / sqrt(tried + KNOWN)


def chances(near: int) -> list[float]:
    """Return the chance of each near-tie to come first, the best first.

    >>> chances(1), chances(2)
    ([1.0], [0.95, 0.05])
    """
    each = SHARE / near
    return [1.0 - SHARE + each] + [each] * (near - 1)


def draw(values: Sequence[float], tried: Sequence[int], rng: np.random.Generator) -> Draw:
    """Return what comes first."""
    near = near_ties(values, tried)
    chance = chances(len(near))
    picked = int(rng.choice(len(near), p=chance))
    return Draw(near[picked], chance[picked])
