"""Lines through the middle, and limits that cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.numerics import robust


def test_a_few_wild_values_do_not_move_the_line() -> None:
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=200), np.ones(200)], axis=1)
    y = 3.0 * x[:, 0] + 1.0 + rng.normal(0, 0.1, 200)
    y[:15] += 1000.0
    found = robust.fit(x, y, np.ones(200), np.array([1e-3, 1e-3]))
    assert found == pytest.approx([3.0, 1.0], abs=0.1)


def test_the_intercept_alone_is_the_median() -> None:
    y = np.array([1.0, 2.0, 3.0, 10.0, 100.0])
    found = robust.fit(np.ones((5, 1)), y, np.ones(5), np.array([1e-6]))
    assert found[0] == pytest.approx(3.0, abs=0.05)


@settings(max_examples=30)
@given(st.integers(19, 400), st.integers(0, 2**32 - 1))
def test_limits_cover_what_comes_next_as_often_as_they_say(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = 0
    for _ in range(60):
        low, high = robust.limits(np.sort(rng.normal(size=n)), 0.9)
        inside += int(low <= rng.normal() <= high)
    assert inside >= 60 * 0.9 - 4 * (60 * 0.9 * 0.1) ** 0.5  # four deviations: the level holds


def test_too_few_residuals_limit_nothing() -> None:
    assert robust.limits(np.arange(10.0), 0.9) == (-np.inf, np.inf)
