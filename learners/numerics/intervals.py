"""Intervals of weighted means over clusters, by the bootstrap.

Rows of one cluster share their luck, so clusters are drawn, never rows (Cameron, Gelbach and
Miller 2008).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 2000
CHUNK = 2_000_000  # drawn cluster numbers held at once: bounds memory, not the result


class Interval(NamedTuple):
    """A figure with its two-sided interval."""

    value: float
    low: float
    high: float


def codes(group: Sequence[str]) -> Ints:
    """Return (n,) cluster numbers 0..k-1 in order of first appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(g, len(numbers)) for g in group], dtype=np.int64)


def drawn_means(
    values: Floats, weight: Floats, cluster: Ints, rng: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Return (draws,) weighted means of ``values`` (n,), each over clusters drawn anew."""
    total = np.bincount(cluster, values * weight)
    size = np.bincount(cluster, weight)
    k = len(total)
    step = max(1, CHUNK // k)
    means = [
        total[picked].sum(axis=1) / size[picked].sum(axis=1)
        for picked in (
            rng.integers(0, k, (min(step, draws - start), k)) for start in range(0, draws, step)
        )
    ]
    return np.concatenate(means)


def lower_bound(
    values: Floats, weight: Floats, cluster: Ints, level: float, rng: np.random.Generator
) -> float:
    """Return the one-sided lower bound at ``level`` (0.95: five in a hundred lie below).

    The bootstrap is studentised by widening: the percentile is taken of the centred draws and
    scaled by sqrt(k / (k - 1)), without which few clusters give too high a bound.
    """
    k = int(cluster.max()) + 1
    if k < 2:
        return float("-inf")
    mean = float(np.average(values, weights=weight))
    deviation = (drawn_means(values, weight, cluster, rng) - mean) * np.sqrt(k / (k - 1))
    return mean + float(np.quantile(deviation, 1 - level))


def interval(
    values: Floats, weight: Floats, cluster: Ints, rng: np.random.Generator, level: float = 0.95
) -> Interval:
    """Return the weighted mean with a two-sided interval."""
    mean = float(np.average(values, weights=weight))
    if int(cluster.max()) < 1:
        return Interval(mean, float("-inf"), float("inf"))
    tail = (1 - level) / 2
    low, high = np.quantile(drawn_means(values, weight, cluster, rng), [tail, 1 - tail])
    return Interval(mean, float(low), float(high))


def of_statistic(
    statistic: Callable[[Ints], float],
    cluster: Ints,
    rng: np.random.Generator,
    draws: int = 300,
    level: float = 0.95,
) -> Interval:
    """Return a statistic of row numbers with a two-sided interval over drawn clusters.

    Draws on which it is undefined (NaN: only one class, say) are left out.
    """
    value = statistic(np.arange(len(cluster)))
    order = np.argsort(cluster, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(cluster))[:-1])
    k = len(members)
    drawn = np.array(
        [
            statistic(np.concatenate([members[c] for c in rng.integers(0, k, k)]))
            for _ in range(draws if k > 1 else 0)
        ]
    )
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) == 0:
        return Interval(value, float("-inf"), float("inf"))
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
