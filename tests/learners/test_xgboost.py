"""XGBoost as a candidate: what is served says what was trained, explains itself, and is silent."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from learners.numerics import forests
from learners.numerics.calibration import expit
from learners.registry import catalog
from models import onnx

LEARNER = catalog()["mixin_compatibility"]
FIT = """
import sys
import numpy as np
from learners.registry import catalog
from learners.replay import Rows, asked, log, replay

learner = catalog()["mixin_compatibility"]
rng = np.random.default_rng(0)
entries = log([learner.specimen(rng) for _ in range(80)])
rows = Rows(learner)
replay(learner, entries, asked(learner, entries), rows.add)
params = learner.candidates["forest_xgboost"](rows.table(), rng)
sys.stderr.write(params.kind)
"""


def rows() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    # whole numbers often stand exactly on a threshold
    x = np.round(rng.normal(size=(200, 5)), 1).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.float64)


def booster(objective: str = "binary:logistic", base_score: float | None = None) -> Any:
    import xgboost

    library: Any = xgboost
    x, y = rows()
    settings = {"objective": objective, "nthread": 1, "verbosity": 0, "max_depth": 4}
    settings |= {} if base_score is None else {"base_score": base_score}
    return library.train(settings, library.DMatrix(x, y), num_boost_round=20)


@pytest.mark.parametrize("base_score", [None, 0.2])
def test_a_packed_booster_predicts_the_same(base_score: float | None) -> None:
    x, _ = rows()
    model = booster(base_score=base_score)
    raw = forests.predict(forests.from_xgboost(model), x)
    np.testing.assert_allclose(expit(raw), model.inplace_predict(x), atol=1e-6)


def test_a_packed_regression_predicts_the_same() -> None:
    x, _ = rows()
    model = booster("reg:squarederror")
    packed = forests.from_xgboost(model)
    np.testing.assert_allclose(forests.predict(packed, x), model.inplace_predict(x), atol=1e-5)


def test_contributions_add_up_and_go_to_what_was_learned() -> None:
    x, _ = rows()
    packed = forests.from_xgboost(booster())
    every = np.zeros(5)
    for row, value in zip(x, forests.predict(packed, x), strict=True):
        start, moved = forests.contributions(packed, row)
        assert start + moved.sum() == pytest.approx(value, abs=1e-9)
        every += np.abs(moved)
    assert set(np.argsort(every)[-2:].tolist()) == {0, 1}


@pytest.mark.parametrize("objective", ["binary:logistic", "reg:squarederror"])
def test_a_graph_says_the_same(objective: str) -> None:
    x, _ = rows()
    model = booster(objective)
    scores = onnx.session(onnx.from_xgboost(model, x, np.random.default_rng(1)))
    np.testing.assert_allclose(scores(x), model.inplace_predict(x), atol=1e-5)


def test_fitting_the_candidate_writes_nothing_to_stdout() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", FIT], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("", "forest_xgboost")
