"""Structural models as they are served: what two such components are worth, before their own tests.

Trees score through ONNX Runtime and explain themselves through their packed arrays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from learners.learner import Floats, Row
from learners.numerics import forests
from learners.numerics.calibration import expit, logit
from models import onnx

Kind = Literal["rates", "logistic", "forest", "forest_xgboost", "blend", "spec"]
LINEAR = ("rates", "logistic")
FORESTS = ("forest", "forest_xgboost")  # each with its boosting
NO_ODDS = 1e-12
SLOPE = 0.02
DECIDES = 0.6  # of the forest, where the two models of the spec disagree (000-11)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which columns of a row a structural model reads, and in which shape.

    ``left`` and ``right`` are added up, so that the order of two components cannot matter; ``rest``
    is taken as it is.
    """

    names: tuple[str, ...]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    rest: NDArray[np.int64]

    def design(self, x: Row) -> Row:
        """Return (n, k) of (n, d)."""
        if not len(self.left):
            return np.ascontiguousarray(x[:, self.rest])
        return np.concatenate([x[:, self.left] + x[:, self.right], x[:, self.rest]], axis=1)


@dataclass(frozen=True, slots=True)
class Structural:
    """A structural model as it is served.

    Attributes:
        score: (n, k) design -> (n,) structural scores in (0, 1).
        explain: (k,) design -> (k,) by how much each column moved the score.
    """

    score: Callable[[Row], Floats]
    explain: Callable[[Row], Floats]


def structural(kind: Kind, arrays: Mapping[str, NDArray[Any]]) -> Structural:
    """Return the structural model that the arrays hold."""
    if kind in LINEAR:
        return _linear(arrays)
    first = onnx.session(arrays["first"].tobytes())
    second = onnx.session(arrays["second"].tobytes())
    forest = forests.from_arrays(arrays, "forest_")
    if kind == "spec":
        return Structural(
            lambda design: decided(first(design), second(design)),
            lambda design: forests.contributions(forest, design)[1],
        )
    boosted = forests.from_arrays(arrays, "boosted_")
    trees = Structural(
        lambda design: (first(design) + second(design)) / 2,
        lambda design: (forests.contributions(forest, design)[1] + _risen(boosted, design)) / 2,
    )
    if kind in FORESTS:
        return trees
    return _blend(_linear(arrays), trees, Mix(*arrays["mix"].tolist()))


def _blend(linear: Structural, trees: Structural, mix: "Mix") -> Structural:
    def explain(design: Row) -> Floats:
        # Probability becomes log odds by the slope where the trees stand.
        p = float(trees.score(design[None, :])[0])
        slope = 1.0 / max(p * (1.0 - p), SLOPE)
        return mix.linear * linear.explain(design) + mix.trees * slope * trees.explain(design)

    def score(design: Row) -> Floats:
        return blended(linear.score(design), trees.score(design), mix)

    return Structural(score, explain)


class Mix(NamedTuple):
    """Weights of two scores in log odds."""

    linear: float = 0.5
    trees: float = 0.5
    shift: float = 0.0


def blended(linear: Floats, trees: Floats, mix: Mix) -> Floats:
    """Return the weighted sum of two scores in log odds."""
    return expit(mix.linear * logit(linear) + mix.trees * logit(trees) + mix.shift)


def _linear(arrays: Mapping[str, NDArray[Any]]) -> Structural:
    coefficients = arrays["coefficients"].astype(np.float64)
    centre = arrays["centre"].astype(np.float64)

    def score(design: Row) -> Floats:
        # Row by row, not by BLAS: the same bits whatever the number of rows.
        z: Floats = (design * coefficients[:-1]).sum(axis=1)
        return expit(z + coefficients[-1])

    def explain(design: Row) -> Floats:
        moved: Floats = coefficients[:-1] * (design - centre)
        return moved

    return Structural(score, explain)


def _risen(boosted: forests.Forest, design: Row) -> Floats:
    # Log odds become probability along the line between both ends.
    start, odds = forests.contributions(boosted, design)
    total = float(odds.sum())
    ends = expit(np.array([start, start + total]))
    return odds * (float(ends[1] - ends[0]) / total if abs(total) > NO_ODDS else 0.0)


def decided(forest: Floats, boosting: Floats) -> Floats:
    """Return the spec's ensemble as one score with its threshold at one half (000-11).

    The forest decides; where the boosting disagrees, only above ``DECIDES``. No boost on agreement:
    it would undo the calibration (X-23).
    """
    disagree = (forest >= 0.5) != (boosting >= 0.5)
    edge = np.log(DECIDES / (1 - DECIDES))
    return np.where(disagree, expit(logit(forest) - edge), forest)
