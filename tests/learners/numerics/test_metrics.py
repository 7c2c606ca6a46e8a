"""Metrics agree with scikit-learn where it has them, and with their definitions elsewhere."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from learners.numerics import metrics

Floats = NDArray[np.float64]
SEEDS = st.integers(0, 10_000)


def drawn(seed: int, n: int = 80) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(n), 1)  # with ties
    y = (rng.random(n) < p).astype(np.float64)
    y[:2] = 0.0, 1.0
    return y, p, rng.integers(1, 5, n).astype(np.float64)


@settings(deadline=None)  # the first example imports scikit-learn
@given(SEEDS)
def test_metrics_agree_with_scikit_learn(seed: int) -> None:
    from sklearn import metrics as library

    reference: Any = library

    y, p, w = drawn(seed)
    label = (p >= 0.5).astype(np.float64)
    expected = {
        metrics.accuracy: reference.accuracy_score(y, label, sample_weight=w),
        metrics.balanced_accuracy: reference.balanced_accuracy_score(y, label, sample_weight=w),
        metrics.precision: reference.precision_score(y, label, sample_weight=w, zero_division=0),
        metrics.recall: reference.recall_score(y, label, sample_weight=w),
        metrics.f1: reference.f1_score(y, label, sample_weight=w),
        metrics.auc: reference.roc_auc_score(y, p, sample_weight=w),
        metrics.brier: reference.brier_score_loss(y, p, sample_weight=w),
    }
    for measure, value in expected.items():
        assert measure(y, p, w) == pytest.approx(value), measure.__name__


@given(SEEDS)
def test_a_weight_is_as_good_as_a_repetition(seed: int) -> None:
    y, p, w = drawn(seed, 40)
    times = w.astype(np.int64)
    again = [np.repeat(values, times) for values in (y, p, np.ones_like(w))]
    for measure in (metrics.auc, metrics.log_loss, metrics.ece, metrics.balanced_accuracy):
        assert measure(y, p, w) == pytest.approx(measure(*again)), measure.__name__


@given(SEEDS)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    y, p, w = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    for measure in (metrics.ece, metrics.auc, metrics.brier):
        assert measure(y[order], p[order], w[order]) == pytest.approx(measure(y, p, w))


def test_a_calibrated_model_stays_below_the_noise_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(2, 1, 300)
    one = np.ones(300)
    limit = metrics.ece_noise(p, one, rng)
    below = [metrics.ece((rng.random(300) < p).astype(float), p, one) <= limit for _ in range(400)]
    assert 0.91 <= np.mean(below) <= 0.98


def test_an_overconfident_model_is_above_the_noise() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.3, 0.7, 2000)
    y = (rng.random(2000) < truth).astype(np.float64)
    said = np.where(truth > 0.5, 0.95, 0.05)
    one = np.ones(2000)
    assert metrics.ece(y, said, one) > metrics.ece_noise(said, one, rng)


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_interval_of_a_share_holds_the_share(successes: int, extra: int) -> None:
    n = successes + extra
    low, high = metrics.wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1


def test_seventeen_of_seventeen_is_no_certainty() -> None:
    assert metrics.wilson(17, 17)[0] == pytest.approx(0.816, abs=1e-3)


def test_nothing_observed_is_anything() -> None:
    assert metrics.wilson(0, 0) == (0.0, 1.0)
