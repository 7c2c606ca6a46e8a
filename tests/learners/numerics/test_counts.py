"""Few counts move a prior a little, many or surprising ones move it at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.numerics.counts import posterior

SHARES = st.floats(0.01, 0.99)
COUNTS = st.integers(0, 300).map(float)
STRENGTHS = st.sampled_from([1.0, 4.0, 64.0, 1024.0])


def after(p: float, s: float, f: float, m: float) -> float:
    return float(posterior(np.array([p]), np.array([s]), np.array([f]), m)[0])


@given(SHARES, COUNTS, COUNTS, STRENGTHS)
def test_the_posterior_lies_between_prior_and_observed_share(
    p: float, s: float, f: float, m: float
) -> None:
    share = s / (s + f) if s + f else p
    assert min(p, share) - 1e-9 <= after(p, s, f, m) <= max(p, share) + 1e-9


@given(SHARES, STRENGTHS)
def test_without_counts_the_prior_stays_to_the_bit(p: float, m: float) -> None:
    assert after(p, 0, 0, m) == p


@pytest.mark.parametrize("m", [1.0, 64.0, 1024.0])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_a_hundred_and_twenty_failures_convince_whatever_the_prior(p: float, m: float) -> None:
    assert after(p, 0, 120, m) < 0.1


def test_ordinary_counts_move_a_strong_prior_little() -> None:
    assert after(0.7, 7, 3, 1024) == pytest.approx(0.7, abs=0.01)


@given(st.integers(0, 100))
def test_the_number_of_rows_does_not_change_a_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, s, f = (
        rng.random(9),
        rng.integers(0, 9, 9).astype(float),
        rng.integers(0, 9, 9).astype(float),
    )
    alone = [after(*row, 8.0) for row in zip(p, s, f, strict=True)]
    assert posterior(p, s, f, 8.0).tolist() == alone
