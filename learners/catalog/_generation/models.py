"""Models of the family as they are served: a linear one, trees, or both mixed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from learners.learner import Floats, Row
from learners.numerics import forests
from learners.numerics.calibration import expit, logit
from models import onnx

Kind = Literal["linear", "trees", "mixed"]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model, before calibration.

    Attributes:
        score: (n, k) design -> (n,): log odds, or values on the scale of effects.
        explain: (k,) design -> (k,) by how much each column moved the score.
    """

    score: Callable[[Row], Floats]
    explain: Callable[[Row], Floats]


def served(kind: Kind, arrays: Arrays, *, odds: bool) -> Model:
    """Return the model that the arrays hold; ``odds``: its trees say probabilities."""
    whole = _whole(kind, arrays, odds=odds)
    share, centre = (float(value) for value in arrays["shrink"])
    return Model(
        lambda design: centre + share * (whole.score(design) - centre),
        lambda design: share * whole.explain(design),
    )


def _whole(kind: Kind, arrays: Arrays, *, odds: bool) -> Model:
    if kind == "linear":
        return linear(arrays)
    trees = _trees(arrays, odds=odds)
    if kind == "trees":
        return trees
    one, share = linear(arrays), float(arrays["share"][0])
    return Model(
        lambda design: share * one.score(design) + (1 - share) * trees.score(design),
        lambda design: share * one.explain(design) + (1 - share) * trees.explain(design),
    )


def linear(arrays: Arrays) -> Model:
    """Return a linear model; contributions are against the average row."""
    coefficients = arrays["coefficients"].astype(np.float64)
    centre = arrays["centre"].astype(np.float64)

    def score(design: Row) -> Floats:
        # Row by row, not by BLAS: the same bits whatever the number of rows.
        z: Floats = (design * coefficients[:-1]).sum(axis=1) + coefficients[-1]
        return z

    def explain(design: Row) -> Floats:
        moved: Floats = coefficients[:-1] * (design - centre)
        return moved

    return Model(score, explain)


def _trees(arrays: Arrays, *, odds: bool) -> Model:
    run = onnx.session(arrays["graph"].tobytes())
    packed = forests.from_arrays(arrays, "trees_")

    def score(design: Row) -> Floats:
        said = run(np.ascontiguousarray(design))
        return logit(said) if odds else said

    return Model(score, lambda design: forests.contributions(packed, design)[1])


def probability(score: Floats) -> Floats:
    """Return probabilities of log odds."""
    return expit(score)
