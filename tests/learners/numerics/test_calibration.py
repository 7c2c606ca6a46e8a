"""Calibration is monotone, recovers a known distortion, and does not believe a handful of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from learners.numerics import calibration
from learners.numerics.calibration import Method, expit, fit, logit
from learners.numerics.scoring import log_loss

Floats = NDArray[np.float64]
METHODS: list[Method] = ["sigmoid", "temperature"]


def overconfident(n: int, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-2, 2, n)
    y = (rng.random(n) < expit(truth)).astype(np.float64)
    return expit(3 * truth), y, np.ones(n)


@pytest.mark.parametrize("method", METHODS)
def test_a_known_distortion_is_undone(method: Method) -> None:
    score, y, w = overconfident(4000)
    found = fit(score, y, w, method)
    assert found.slope == pytest.approx(1 / 3, abs=0.04)
    assert abs(found.intercept) < 0.1
    assert log_loss(y, found(score)).mean() < log_loss(y, score).mean()


@given(st.integers(0, 1000), st.sampled_from(METHODS))
def test_calibration_never_turns_an_order_round(seed: int, method: Method) -> None:
    rng = np.random.default_rng(seed)
    score, y = rng.random(100), (rng.random(100) < 0.5).astype(np.float64)
    found = fit(score, y, np.ones(100), method)
    assert found.slope >= 0
    assert (np.diff(found(np.sort(rng.random(50)))) >= 0).all()


@given(st.integers(1, 59))
def test_few_rows_give_the_smoothed_base_rate(n: int) -> None:
    score, y, w = overconfident(n)
    found = fit(score, y, w)
    assert found.method == "base_rate"
    np.testing.assert_allclose(found(score), (y.sum() + 0.5) / (n + 1))


def test_separable_scores_stay_finite() -> None:
    y = np.repeat([0.0, 1.0], 100)
    found = fit(np.where(y > 0, 0.999, 0.001), y, np.ones(200))
    p = found(np.array([0.0, 1.0]))
    assert np.isfinite(p).all()
    assert 0 < p[0] < p[1] < 1


def test_a_sigmoid_moves_a_shifted_score_back() -> None:
    score, y, w = overconfident(3000)
    shifted = expit(logit(score) / 3 + 2)
    found = fit(shifted, y, w)
    assert found.intercept == pytest.approx(-2 * found.slope, abs=0.2)


def test_scores_of_zero_and_one_are_allowed() -> None:
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert np.isfinite(calibration.base_rate(np.zeros(3), np.ones(3))(np.array([0.0, 1.0]))).all()
