"""Intervals draw clusters, and say nothing where there is one."""

import math

import numpy as np
import pytest

from learners.numerics import intervals

RNG = np.random.default_rng(0)
ONE = np.zeros(8, dtype=np.int64)


def test_an_interval_of_a_mean_covers_it_nine_times_in_ten_and_more() -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values = rng.normal(0.3, 1.0, 60)
        found = intervals.interval(values, np.ones(60), np.arange(60), rng)
        covered += found.low <= 0.3 <= found.high
    assert 0.9 <= covered / 200 <= 0.99


def test_rows_that_share_their_luck_make_the_interval_wider() -> None:
    values = np.repeat(RNG.normal(size=20), 10)
    apart = intervals.interval(values, np.ones(200), np.arange(200), RNG)
    together = intervals.interval(values, np.ones(200), np.repeat(np.arange(20), 10), RNG)
    assert together.high - together.low > 2 * (apart.high - apart.low)
    assert together.value == apart.value == pytest.approx(values.mean())


def test_one_cluster_bounds_nothing() -> None:
    values = np.arange(8.0)
    assert intervals.interval(values, np.ones(8), ONE, RNG) == (3.5, -math.inf, math.inf)
    assert intervals.lower_bound(values, np.ones(8), ONE, 0.95, RNG) == -math.inf
    found = intervals.of_statistic(lambda rows: float(values[rows].max()), ONE, RNG)
    assert found == (7.0, -math.inf, math.inf)


def test_a_statistic_that_is_never_defined_is_unbounded() -> None:
    cluster = np.arange(8)
    found = intervals.of_statistic(lambda rows: math.nan, cluster, RNG, draws=20)
    assert (found.low, found.high) == (-math.inf, math.inf)
