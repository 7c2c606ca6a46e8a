"""An exported graph agrees with its trainer, or there is none."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import onnx, openmp


def rows(n: int = 120, d: int = 6) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)).astype(np.float32)
    return x, x[:, 0] + x[:, 1] * x[:, 2] > 0


def forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    x, y = rows()
    return RandomForestClassifier(10, random_state=0).fit(x, y)


def booster() -> Any:
    openmp.ensure()
    import lightgbm

    library: Any = lightgbm
    x, y = rows()
    data = library.Dataset(x.astype(np.float64), y, params={"verbose": -1})
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_child_samples": 5}
    return library.train(settings, data, num_boost_round=10)


def test_a_forest_says_the_same_as_a_graph() -> None:
    x, _ = rows()
    model = forest()
    scores = onnx.session(onnx.from_sklearn(model, x, np.random.default_rng(1)))
    np.testing.assert_allclose(scores(x), model.predict_proba(x)[:, 1], atol=1e-5)


def test_a_booster_says_the_same_as_a_graph() -> None:
    x, _ = rows()
    model = booster()
    scores = onnx.session(onnx.from_lightgbm(model, x, np.random.default_rng(1)))
    np.testing.assert_allclose(scores(x), model.predict(x.astype(np.float64)), atol=1e-5)


def test_a_row_gets_the_same_bits_alone_and_among_others() -> None:
    x, _ = rows()
    scores = onnx.session(onnx.from_sklearn(forest(), x, np.random.default_rng(1)))
    alone = np.concatenate([scores(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_array_equal(scores(x), alone)


def test_a_regression_is_exported_too() -> None:
    from sklearn.ensemble import RandomForestRegressor

    x, _ = rows()
    model: Any = RandomForestRegressor(5, random_state=0).fit(x, x[:, 0])
    scores = onnx.session(onnx.from_sklearn(model, x, np.random.default_rng(1)))
    np.testing.assert_allclose(scores(x), model.predict(x), atol=1e-5)


def test_a_graph_that_disagrees_is_refused() -> None:
    # Seconds since 1970 are learned to the second; a graph keeps its thresholds to two minutes.
    import lightgbm

    library: Any = lightgbm
    rng = np.random.default_rng(0)
    seconds = rng.uniform(1.7e9, 1.7e9 + 20_000, (500, 2))
    settings = {"objective": "regression", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 1}
    booster = library.train(settings, library.Dataset(seconds, rng.normal(size=500)), 20)
    with pytest.raises(onnx.Disagrees):
        onnx.from_lightgbm(booster, seconds.astype(np.float32), np.random.default_rng(0))


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x08\x08" * 50])
def test_what_is_no_graph_is_refused(data: bytes) -> None:
    with pytest.raises(onnx.Unreadable):
        onnx.session(data)


def test_the_runtime_neither_reports_nor_writes_anything(tmp_path: Path) -> None:
    program = (
        "from models import onnx\n"
        "try:\n    onnx.session(b'no graph')\n"
        "except onnx.Unreadable:\n    print('loaded')"
    )
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    places = {name: str(tmp_path) for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, **places}, cwd=Path(__file__).parents[2],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "loaded", done.stderr
    assert not list(tmp_path.iterdir())
