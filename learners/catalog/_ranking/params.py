"""What a fit returns, how it turns rows into probabilities, and how it travels."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from learners.catalog._ranking.columns import BELIEVED, COLUMNS
from learners.errors import Damaged
from learners.learner import Floats, Row, Table
from learners.numerics import forests
from learners.numerics.calibration import Calibrator, Method, expit
from models import onnx, packing

Kind = Literal["linear", "trees"]
DIGEST = hashlib.sha256("\n".join(COLUMNS).encode()).hexdigest()[:16]

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model as it is served.

    Attributes:
        score: (n, d) rows -> (n,) scores; templates are put in their order.
        explain: (n, d) rows -> (n, d) by how much each column moved the score.
    """

    score: Callable[[Row], Floats]
    explain: Callable[[Row], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class RankingParams:
    """A fitted ranking model.

    Attributes:
        calibrator: From score, as a share, to probability.
        rows: Rows it was fitted on.
        arrays: The model's own.
        model: Made of the arrays.
    """

    kind: Kind
    calibrator: Calibrator
    rows: int
    arrays: Arrays
    model: Scorer


def probabilities(params: RankingParams, scores: Floats) -> Floats:
    """Return the probabilities of scores."""
    return params.calibrator(expit(scores))


def score(params: RankingParams, table: Table) -> Floats:
    """Return (n,) predictions."""
    if table.x.shape[1] != len(COLUMNS):
        raise Damaged(f"rows have {table.x.shape[1]} columns, the version {len(COLUMNS)}")
    return probabilities(params, params.model.score(table.x))


def linear(coefficients: Floats, centre: Floats) -> Scorer:
    """Return a linear model: (d + 1,) coefficients, the last one alone; explained from (d,)."""

    def scored(x: Row) -> Floats:
        # Row by row, not by BLAS: the same bits whatever the number of rows.
        z: Floats = (x * coefficients[:-1]).sum(axis=1) + coefficients[-1]
        return z

    def explain(x: Row) -> Floats:
        moved: Floats = coefficients[:-1] * (x - centre)
        return moved

    return Scorer(scored, explain)


def scorer(kind: Kind, arrays: Arrays) -> Scorer:
    """Return the model that the arrays hold."""
    if kind == "linear":
        return linear(
            arrays["coefficients"].astype(np.float64), arrays["centre"].astype(np.float64)
        )
    forest = forests.from_arrays(arrays, "")
    return Scorer(onnx.session(arrays["graph"].tobytes()), lambda x: forests.moved(forest, x))


def _rules() -> Scorer:
    weights = [BELIEVED.get(name, 0.0) for name in COLUMNS]
    return linear(np.array([*weights, 0.0]), np.zeros(len(COLUMNS)))


RULES = _rules()


def dump(params: RankingParams) -> bytes:
    """Return params as data-only bytes."""
    calibrator = params.calibrator
    manifest: dict[str, Any] = {
        "kind": params.kind,
        "columns": DIGEST,
        "calibrator": [calibrator.slope, calibrator.intercept, calibrator.method],
        "rows": params.rows,
    }
    return packing.pack(manifest, params.arrays)


def load(data: bytes) -> RankingParams:
    """Return what ``dump`` wrote.

    Raises:
        Damaged: The bytes are not a fitted ranking model over these columns.
    """
    try:
        manifest, arrays = packing.unpack(data)
        return _read(manifest, arrays)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Damaged(f"not a ranking model: {error}") from error


def _read(manifest: Mapping[str, Any], arrays: dict[str, NDArray[Any]]) -> RankingParams:
    if manifest["columns"] != DIGEST:
        raise ValueError("it reads other columns")
    kind: Kind = manifest["kind"]
    slope, intercept, method = manifest["calibrator"]
    if kind not in get_args(Kind) or method not in get_args(Method):
        raise ValueError("its kind is not known")
    model = scorer(kind, arrays)
    # Arrays of another width are refused here, not in the first answer.
    row = np.zeros((1, len(COLUMNS)), dtype=np.float32)
    if model.score(row).shape != (1,) or model.explain(row).shape != row.shape:
        raise ValueError("the model reads other columns than a row has")
    calibrator = Calibrator(float(slope), float(intercept), method)
    return RankingParams(kind, calibrator, int(manifest["rows"]), arrays, model)
