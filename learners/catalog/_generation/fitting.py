"""Fits the models of the family. Training libraries are imported inside the functions that fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from learners.catalog._generation.models import Kind
from learners.errors import NotYet
from learners.learner import Floats, Row
from learners.numerics import forests, logistic, robust
from learners.numerics.calibration import logit
from models import onnx, openmp

Arrays: TypeAlias = dict[str, NDArray[Any]]
Trees = Literal["lightgbm", "xgboost", "forest"]

SEED = 42  # 002-32
TREES, TRIAL_TREES = 150, 50  # of a forest, and where it only shows what it would have said
INTERCEPT = 0.01  # penalty


@dataclass(frozen=True, slots=True)
class Rows:
    """What is fitted: (n, k) design, (n,) labels on the scale of effects, (n,) weights."""

    x: Row
    y: Floats
    weight: Floats
    odds: bool

    def at(self, rows: NDArray[np.int64]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.x[rows], self.y[rows], self.weight[rows], self.odds)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model in its trainer's hands; ``export`` raises NotYet where the export gate refuses."""

    score: Callable[[Row], Floats]
    export: Callable[[np.random.Generator], Arrays]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a candidate is made of.

    Attributes:
        columns: That it reads; None is all.
        trees: Library, where it has trees.
        linear: Columns that the linear part reads; None is all.
        believed: Column that is believed to be right from the start: its coefficient begins at 1.
    """

    kind: Kind
    columns: tuple[str, ...] | None = None
    trees: Trees = "lightgbm"
    believed: str = ""
    linear: tuple[str, ...] | None = None


def train(
    recipe: Recipe, names: Sequence[str], penalty: float, rows: Rows, *, trial: bool = False
) -> Fitted:
    """Return the fitted model of a recipe.

    Args:
        names: Of the design's columns.
        trial: Only to see what it says of rows it has not seen; nobody will serve it.
    """
    if recipe.kind == "linear":
        return _linear(recipe, names, penalty, rows)
    trees = _forest(rows, trial) if recipe.trees == "forest" else _BOOSTED[recipe.trees](rows)
    if recipe.kind == "trees":
        return trees
    one, share = _linear(recipe, names, penalty, rows), 0.5
    return Fitted(
        lambda design: share * one.score(design) + (1 - share) * trees.score(design),
        lambda rng: {**one.export(rng), **trees.export(rng), "share": np.array([share])},
    )


def _linear(recipe: Recipe, names: Sequence[str], penalty: float, rows: Rows) -> Fitted:
    x = rows.x.astype(np.float64)
    centre = np.average(x, axis=0, weights=rows.weight)
    spread = np.sqrt(np.average((x - centre) ** 2, axis=0, weights=rows.weight))
    spread[spread < 1e-6] = np.inf  # a column that never varied says nothing
    if recipe.linear is not None:
        spread[[name not in recipe.linear for name in names]] = np.inf
    design = np.append((x - centre) / spread, np.ones((len(x), 1)), axis=1)
    strength = np.full(design.shape[1], penalty)
    strength[-1] = INTERCEPT
    if rows.odds:
        prior = np.zeros(design.shape[1])
        if recipe.believed:
            place = list(names).index(recipe.believed)
            prior[place] = spread[place] if np.isfinite(spread[place]) else 0.0
        found = logistic.fit(design, rows.y, rows.weight, strength, prior)
    else:
        found = robust.fit(design, rows.y, rows.weight, strength)
    coefficients = found / np.append(spread, 1.0)
    coefficients[-1] -= float(coefficients[:-1] @ centre)

    def score(rows_of: Row) -> Floats:
        z: Floats = (rows_of * coefficients[:-1]).sum(axis=1) + coefficients[-1]
        return z

    return Fitted(score, lambda _: {"coefficients": coefficients, "centre": centre})


def _lightgbm(rows: Rows) -> Fitted:
    try:
        openmp.ensure()
    except openmp.Missing as error:
        raise NotYet(f"unavailable: {error}") from error
    import lightgbm

    library: Any = lightgbm
    n = len(rows.y)
    leaves, rounds = (6, 60) if n < 1000 else (12, 120) if n < 5000 else (24, 150)
    settings = {
        "objective": "binary" if rows.odds else "regression_l1",
        "num_leaves": leaves,
        "learning_rate": 0.06,
        "min_child_samples": 20,
        "colsample_bytree": 0.5,
        "subsample": 0.8,
        "subsample_freq": 1,
        "reg_lambda": 5.0,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": SEED,
        "verbose": -1,
    }
    data = library.Dataset(
        rows.x.astype(np.float64), rows.y, weight=rows.weight, params={"verbose": -1}
    )
    booster = library.train(settings, data, num_boost_round=rounds)

    def said(design: Row) -> Floats:
        found: Floats = booster.predict(design.astype(np.float64))
        return found

    return _exported(
        rows,
        said,
        lambda rng: onnx.from_lightgbm(booster, rows.x, rng),
        lambda: forests.from_lightgbm(booster),
    )


def _xgboost(rows: Rows) -> Fitted:
    import xgboost

    library: Any = xgboost
    settings = {
        "objective": "binary:logistic" if rows.odds else "reg:absoluteerror",
        "max_depth": 6,
        "eta": 0.1,
        "nthread": 1,
        "seed": SEED,
        "verbosity": 0,
    }
    data = library.DMatrix(rows.x, rows.y, weight=rows.weight, nthread=1)
    booster = library.train(settings, data, num_boost_round=200)

    def said(design: Row) -> Floats:
        found: NDArray[np.float32] = booster.inplace_predict(np.ascontiguousarray(design))
        return found.astype(np.float64)

    return _exported(
        rows,
        said,
        lambda rng: onnx.from_xgboost(booster, rows.x, rng),
        lambda: forests.from_xgboost(booster),
    )


def _forest(rows: Rows, trial: bool) -> Fitted:
    from sklearn import ensemble

    library: Any = ensemble
    forest = library.RandomForestRegressor(
        n_estimators=TRIAL_TREES if trial else TREES,
        max_depth=10,
        min_samples_split=5,
        n_jobs=1,
        random_state=SEED,
    )
    forest.fit(rows.x, rows.y, sample_weight=rows.weight)
    return _exported(
        rows,
        lambda design: np.asarray(forest.predict(design), dtype=np.float64),
        lambda rng: onnx.from_sklearn(forest, rows.x, rng),
        lambda: forests.from_sklearn(forest, rows.x.shape[1]),
    )


_BOOSTED = {"lightgbm": _lightgbm, "xgboost": _xgboost}


def _exported(
    rows: Rows,
    said: Callable[[Row], Floats],
    graph: Callable[[np.random.Generator], bytes],
    packed: Callable[[], forests.Forest],
) -> Fitted:
    def export(rng: np.random.Generator) -> Arrays:
        try:
            data = graph(rng)
        except onnx.Disagrees as error:
            raise NotYet(f"unavailable: {error}") from error
        return {
            "graph": np.frombuffer(data, dtype=np.uint8),
            **forests.arrays(packed(), "trees_"),
        }

    return Fitted(lambda design: logit(said(design)) if rows.odds else said(design), export)
