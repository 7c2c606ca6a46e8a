"""The structural models: what is to be expected of two such components, before their own tests.

Training libraries are imported inside the functions that fit; the serving process never has them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from learners.catalog._compatibility.models import (
    FORESTS,
    LINEAR,
    Kind,
    Layout,
    Mix,
    blended,
    decided,
)
from learners.errors import NotYet
from learners.learner import Floats, Row
from learners.numerics import forests, logistic
from learners.numerics.calibration import expit
from models import onnx, openmp

TREES = 200
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

Arrays = dict[str, NDArray[Any]]
Export = Callable[[np.random.Generator], Arrays]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a structural model is fitted on.

    Attributes:
        x: (n, k) design.
        y: (n,) labels.
        weight: (n,) how much each row says about other pairs.
    """

    x: Row
    y: Floats
    weight: Floats

    def at(self, rows: NDArray[np.int64]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.x[rows], self.y[rows], self.weight[rows])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A structural model in its trainer's hands.

    Attributes:
        score: (n, k) design -> (n,) scores.
        export: Its arrays for serving; raises NotYet where the export gate refuses.
    """

    score: Callable[[Row], Floats]
    export: Export


class Chosen(NamedTuple):
    """What is chosen out of fold.

    Attributes:
        penalty: Of the linear models.
        mix: Of the blend.
        trees: Of each forest; fewer out of fold, where most of the time of a fit goes.
    """

    penalty: float = 1.0
    mix: Mix = Mix()
    trees: int = TREES


def train(
    kind: Kind, layout: Layout, chosen: Chosen, rows: Rows, rng: np.random.Generator
) -> Fitted:
    """Return the fitted structural model."""
    if kind in LINEAR:
        return _linear(kind, layout, chosen.penalty, rows)
    if kind == "spec":
        return _spec(rows, chosen.trees, rng)
    boosting = _xgboost if kind == "forest_xgboost" else _lightgbm
    trees = _forest_boosted(rows, chosen.trees, boosting, rng)
    if kind in FORESTS:
        return trees
    return _blend(_linear("logistic", layout, chosen.penalty, rows), trees, chosen.mix)


def _blend(linear: Fitted, trees: Fitted, mix: Mix) -> Fitted:
    return Fitted(
        lambda design: blended(linear.score(design), trees.score(design), mix),
        lambda rng: {**linear.export(rng), **trees.export(rng), "mix": np.array(mix)},
    )


def _linear(kind: Kind, layout: Layout, penalty: float, rows: Rows) -> Fitted:
    x = np.append(rows.x.astype(np.float64), np.ones((len(rows.y), 1)), axis=1)
    prior = np.zeros(x.shape[1])
    # A rate's log odds, shrunk already, is believed to begin with.
    prior[:-1] = [_believed(name, kind) for name in layout.names]
    strength = np.full(x.shape[1], penalty)
    strength[-1] = min(penalty, 0.1)
    found = logistic.fit(x, rows.y, rows.weight, strength, prior)
    centre = np.average(rows.x.astype(np.float64), axis=0, weights=rows.weight)

    def score(design: Row) -> Floats:
        z: Floats = (design * found[:-1]).sum(axis=1)
        return expit(z + found[-1])

    return Fitted(score, lambda _: {"coefficients": found, "centre": centre})


def _believed(name: str, kind: Kind) -> float:
    if name == "base":
        return 1.0
    alone = ("a_rate", "b_rate", "a_stem_rate", "b_stem_rate", "a_context_rate", "b_context_rate")
    return {"rates": 0.7, "logistic": 0.3}.get(kind, 0.0) if name in alone else 0.0


@dataclass(frozen=True, slots=True)
class Boosted:
    """A boosted model in its trainer's hands.

    Attributes:
        score: (n, k) design -> (n,) scores.
        graph: What ONNX Runtime runs; raises Disagrees where the export gate refuses.
        packed: What explains it.
    """

    score: Callable[[Row], Floats]
    graph: Callable[[np.random.Generator], bytes]
    packed: Callable[[], forests.Forest]


def _forest_boosted(
    rows: Rows,
    trees: int,
    boosting: Callable[[Rows, np.random.Generator], Boosted],
    rng: np.random.Generator,
) -> Fitted:
    from sklearn import ensemble

    library: Any = ensemble
    forest = library.RandomForestClassifier(
        n_estimators=trees,
        max_depth=20,
        min_samples_leaf=1 if len(rows.y) < 200 else 2,
        max_features=0.3,
        n_jobs=1,
        random_state=_seed(rng),
    )
    forest.fit(rows.x, rows.y > 0.5, sample_weight=rows.weight)
    boosted = boosting(rows, rng)

    def score(design: Row) -> Floats:
        one: Floats = forest.predict_proba(design)[:, 1]
        return (one + boosted.score(design)) / 2

    def export(generator: np.random.Generator) -> Arrays:
        return {
            **_graphs(
                lambda: onnx.from_sklearn(forest, rows.x, generator),
                lambda: boosted.graph(generator),
            ),
            **forests.arrays(forests.from_sklearn(forest, rows.x.shape[1]), "forest_"),
            **forests.arrays(boosted.packed(), "boosted_"),
        }

    return Fitted(score, export)


def _graphs(first: Callable[[], bytes], second: Callable[[], bytes]) -> Arrays:
    """Return two exported graphs as arrays, unless one disagrees with its trainer."""
    try:
        made = {"first": first(), "second": second()}
    except onnx.Disagrees as error:
        raise NotYet(f"unavailable: {error}") from error
    return {name: np.frombuffer(graph, dtype=np.uint8) for name, graph in made.items()}


def _lightgbm(rows: Rows, rng: np.random.Generator) -> Boosted:
    try:
        openmp.ensure()
    except openmp.Missing as error:
        raise NotYet(f"unavailable: {error}") from error
    import lightgbm

    library: Any = lightgbm
    n = len(rows.y)
    leaves, rounds = (8, 80) if n < 1000 else (16, 150) if n < 5000 else (31, 200)
    settings = {
        "objective": "binary",
        "num_leaves": leaves,
        "learning_rate": 0.08,
        "min_child_samples": 5,
        "colsample_bytree": 0.6,
        "subsample": 0.8,
        "subsample_freq": 1,
        "reg_lambda": 1.0,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": _seed(rng),
        "verbose": -1,
    }
    data = library.Dataset(
        rows.x.astype(np.float64), rows.y, weight=rows.weight, params={"verbose": -1}
    )
    booster = library.train(settings, data, num_boost_round=rounds)

    def score(design: Row) -> Floats:
        said: Floats = booster.predict(design.astype(np.float64))
        return said

    return Boosted(
        score,
        lambda generator: onnx.from_lightgbm(booster, rows.x, generator),
        lambda: forests.from_lightgbm(booster),
    )


def _xgboost(rows: Rows, rng: np.random.Generator) -> Boosted:
    import xgboost

    library: Any = xgboost
    n = len(rows.y)
    depth, rounds = (3, 80) if n < 1000 else (3, 150) if n < 5000 else (6, 200)
    settings = {
        "objective": "binary:logistic",
        "max_depth": depth,
        "eta": 0.08,
        "colsample_bytree": 0.6,
        "subsample": 0.8,
        "lambda": 1.0,
        "nthread": 1,
        "seed": _seed(rng),
        "verbosity": 0,
    }
    data = library.DMatrix(rows.x, rows.y, weight=rows.weight, nthread=1)
    booster = library.train(settings, data, num_boost_round=rounds)

    def score(design: Row) -> Floats:
        said: NDArray[np.float32] = booster.inplace_predict(np.ascontiguousarray(design))
        return said.astype(np.float64)

    return Boosted(
        score,
        lambda generator: onnx.from_xgboost(booster, rows.x, generator),
        lambda: forests.from_xgboost(booster),
    )


def _spec(rows: Rows, trees: int, rng: np.random.Generator) -> Fitted:
    from sklearn import ensemble

    library: Any = ensemble
    # Balanced within each tree's own sample: "balanced" draws the bootstrap by class weight since
    # scikit-learn 1.9, which leaves next to no out-of-bag rows of the rarer class.
    forest = library.RandomForestClassifier(
        n_estimators=trees,
        max_depth=20,
        min_samples_split=3,
        min_samples_leaf=1,
        max_features="sqrt",
        class_weight="balanced_subsample",
        n_jobs=1,
        random_state=_seed(rng),
    )
    boosting = library.GradientBoostingClassifier(
        n_estimators=150,
        max_depth=10,
        learning_rate=0.1,
        subsample=0.9,
        random_state=_seed(rng),
    )
    label = rows.y > 0.5
    forest.fit(rows.x, label, sample_weight=rows.weight)
    boosting.fit(rows.x, label, sample_weight=rows.weight)

    def score(design: Row) -> Floats:
        one: Floats = forest.predict_proba(design)[:, 1]
        return decided(one, boosting.predict_proba(design)[:, 1])

    def export(generator: np.random.Generator) -> Arrays:
        return {
            **_graphs(
                lambda: onnx.from_sklearn(forest, rows.x, generator),
                lambda: onnx.from_sklearn(boosting, rows.x, generator),
            ),
            **forests.arrays(forests.from_sklearn(forest, rows.x.shape[1]), "forest_"),
        }

    return Fitted(score, export)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31 - 1))
