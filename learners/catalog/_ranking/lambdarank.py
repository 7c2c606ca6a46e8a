"""LambdaRank by LightGBM over any table: rows of one example are put in order (002-46).

Burges, C. (2010). Nothing is sampled, as the spec names no sampling; equal tables give equal trees.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.errors import NotYet, TooFewExamples
from learners.learner import Floats, Row, Table
from learners.numerics import forests, intervals
from models import onnx, openmp

TREES = 100
RATE = 0.1
LEAVES = 31
FEWEST, MOST = 5, 50  # rows of a leaf: a sixtieth of all, within these
SHARE = 60
MINIMUM_LISTS = 5  # with something to be put in order


def ordered_lists(table: Table) -> int:
    """Return how many examples have rows of different relevance."""
    of = intervals.codes([str(example) for example in table.example])
    most, least = np.full(of.max(initial=-1) + 1, -np.inf), np.full(of.max(initial=-1) + 1, np.inf)
    np.maximum.at(most, of, table.y)
    np.minimum.at(least, of, table.y)
    return int((most > least).sum())


@dataclass(frozen=True, slots=True)
class Ranker:
    """Fitted trees; only the order of their scores within an example means anything."""

    booster: Any
    forest: forests.Forest

    def score(self, x: Row) -> Floats:
        """Return (n,) scores of (n, d) rows."""
        return forests.predict(self.forest, x)

    def arrays(self, x: Row, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return what is served: a graph that scores, and packed trees that explain.

        Raises:
            NotYet: The graph does not say what the trees say, on ``x`` and rows near it.
        """
        try:
            graph = onnx.from_lightgbm(self.booster, x, rng)
        except onnx.Disagrees as error:
            raise NotYet(f"unavailable: {error}") from error
        return {"graph": np.frombuffer(graph, dtype=np.uint8), **forests.arrays(self.forest, "")}


def fit(table: Table) -> Ranker:
    """Return trees that put the rows of an example in the order of their relevance.

    Args:
        table: ``y`` is the relevance, whole numbers from 0; ``example`` says what is one list.

    Raises:
        TooFewExamples: Too few lists have anything to be put in order.
        NotYet: LightGBM cannot be loaded here.
    """
    lists = ordered_lists(table)
    if lists < MINIMUM_LISTS:
        raise TooFewExamples(
            f"{lists} lists in which one template was taken before another; needs {MINIMUM_LISTS}"
        )
    order = np.argsort(table.example, kind="stable")
    sizes = np.unique(table.example[order], return_counts=True)[1]
    return _trees(table.take(order), sizes)


def _trees(table: Table, sizes: NDArray[np.int64]) -> Ranker:
    try:
        openmp.ensure()
    except openmp.Missing as error:
        raise NotYet(f"unavailable: {error}") from error
    import lightgbm

    library: Any = lightgbm
    settings = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "learning_rate": RATE,
        "num_leaves": LEAVES,
        "min_data_in_leaf": int(np.clip(len(table) // SHARE, FEWEST, MOST)),
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    data = library.Dataset(
        table.x.astype(np.float64),
        np.rint(table.y).astype(np.int64),
        weight=table.weight,
        group=sizes,
        params={"verbose": -1},
    )
    booster = library.train(settings, data, num_boost_round=TREES)
    return Ranker(booster, forests.from_lightgbm(booster))
