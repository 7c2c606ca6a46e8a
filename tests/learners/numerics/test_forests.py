"""A packed forest predicts what its trainer predicts, and its contributions add up to that."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from learners.numerics import forests
from learners.numerics.forests import Forest
from models import openmp


def rows() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 5)).astype(np.float32)
    return x, x[:, 0] * x[:, 1] > 0


def trained() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    x, y = rows()
    return RandomForestClassifier(20, max_depth=8, random_state=0).fit(x, y)


def boosted() -> Any:
    openmp.ensure()
    import lightgbm

    library: Any = lightgbm
    x, y = rows()
    data = library.Dataset(x.astype(np.float64), y, params={"verbose": -1})
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_child_samples": 5}
    return library.train(settings, data, num_boost_round=20)


def test_a_packed_forest_predicts_the_same() -> None:
    x, _ = rows()
    model = trained()
    packed = forests.from_sklearn(model, 5)
    np.testing.assert_allclose(forests.predict(packed, x), model.predict_proba(x)[:, 1], atol=1e-12)


def test_a_packed_booster_predicts_the_same_raw_score() -> None:
    x, _ = rows()
    model = boosted()
    expected = model.predict(x.astype(np.float64), raw_score=True)
    np.testing.assert_allclose(
        forests.predict(forests.from_lightgbm(model), x), expected, atol=1e-9
    )


def test_a_regression_forest_is_packed_too() -> None:
    from sklearn.ensemble import RandomForestRegressor

    x, _ = rows()
    model: Any = RandomForestRegressor(7, random_state=0).fit(x, x[:, 2])
    packed = forests.from_sklearn(model, 5)
    np.testing.assert_allclose(forests.predict(packed, x), model.predict(x), atol=1e-12)


@pytest.mark.parametrize(
    "make", [lambda: forests.from_sklearn(trained(), 5), lambda: forests.from_lightgbm(boosted())]
)
def test_contributions_add_up_to_the_prediction(make: Any) -> None:
    x, _ = rows()
    packed: Forest = make()
    for row, value in zip(x[:20], forests.predict(packed, x[:20]), strict=True):
        start, moved = forests.contributions(packed, row)
        assert start + moved.sum() == pytest.approx(value, abs=1e-12)


def test_what_was_learned_gets_the_contribution() -> None:
    x, _ = rows()
    packed = forests.from_sklearn(trained(), 5)
    moved = np.abs([forests.contributions(packed, row)[1] for row in x]).mean(axis=0)
    assert set(np.argsort(moved)[-2:].tolist()) == {0, 1}


def test_a_forest_travels_as_arrays() -> None:
    x, _ = rows()
    packed = forests.from_sklearn(trained(), 5)
    again = forests.from_arrays(forests.arrays(packed, "f_"), "f_")
    np.testing.assert_array_equal(forests.predict(again, x), forests.predict(packed, x))


@pytest.mark.parametrize("name", ["feature", "child", "roots"])
def test_arrays_that_point_outside_are_refused(name: str) -> None:
    arrays = forests.arrays(forests.from_sklearn(trained(), 5), "f_")
    arrays[f"f_{name}"] = arrays[f"f_{name}"].copy()
    arrays[f"f_{name}"][0] = 10**6
    with pytest.raises(ValueError, match="outside"):
        forests.from_arrays(arrays, "f_")
