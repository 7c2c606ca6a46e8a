"""What a fit returns, how it turns rows into probabilities, and how it travels.

A structural model says what is to be expected of two such components; a calibrator, fitted on
out-of-fold scores, makes that a probability; the pair's own counts then move it as a Beta posterior
does. A set is as good as its pairs, between their product (each fails by itself) and the weakest
(they fail together).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.catalog._compatibility.models import Kind, Layout, Structural, structural
from learners.errors import Damaged
from learners.learner import Floats, Row, Table
from learners.numerics import counts
from learners.numerics.calibration import Calibrator
from models import packing

STRENGTHS = {"elsewhere": 8.0, "pair": 4.0, "project": 3.0, "set": 4.0}


@dataclass(frozen=True, slots=True, eq=False)
class CompatibilityParams:
    """A fitted compatibility model.

    Attributes:
        kind: The structural model.
        layout: What it reads.
        width: Columns of a row; their hash is in the manifest.
        calibrator: From structural score to probability.
        strengths: Observations that the prior is worth, by whose counts move it.
        together: 1 for the product of the pairs' probabilities, 0 for the weakest.
        surplus: By what each component beyond two lowers the log probability further.
        arrays: The structural model's own.
        model: The structural model, made of the arrays.
    """

    kind: Kind
    layout: Layout
    width: int
    columns: str
    calibrator: Calibrator
    strengths: Mapping[str, float]
    together: float
    surplus: float
    sets_learned: bool
    rows: int
    arrays: Mapping[str, NDArray[Any]]
    model: Structural


@dataclass(frozen=True, slots=True)
class Places:
    """Where the columns are that the last steps read."""

    own: int
    sets: int

    @staticmethod
    def of(columns: tuple[str, ...]) -> "Places":
        """Return the places in a row."""
        return Places(columns.index("elsewhere_success"), columns.index("is_set"))


def pair_probabilities(params: CompatibilityParams, places: Places, x: Row) -> Floats:
    """Return (n,) probabilities of rows about pairs."""
    prior = params.calibrator(params.model.score(params.layout.design(x)))
    return moved_by_own(params.strengths, places, x, prior)


def moved_by_own(strengths: Mapping[str, float], places: Places, x: Row, p: Floats) -> Floats:
    """Return (n,) priors after the pair's own counts: elsewhere, here, in the project."""
    own = x[:, places.own : places.own + 6].astype(np.float64)
    for i, whose in enumerate(("elsewhere", "pair", "project")):
        p = counts.posterior(p, own[:, 2 * i], own[:, 2 * i + 1], strengths[whose])
    return p


def set_probability(
    params: CompatibilityParams, places: Places, rows: Row, log_sum: Floats, log_least: Floats
) -> Floats:
    """Return (n,) probabilities of sets, given the pairs' log probabilities."""
    size = rows[:, places.sets + 1].astype(np.float64)
    log_p = joint(log_sum, log_least, size, params.together, params.surplus)
    own = rows[:, places.sets + 5 : places.sets + 9].astype(np.float64)
    p = np.exp(log_p)
    for i in (0, 2):
        p = counts.posterior(p, own[:, i], own[:, i + 1], params.strengths["set"])
    return p


def joint(
    log_sum: Floats, log_least: Floats, size: Floats, together: float, surplus: float
) -> Floats:
    """Return the log probability of sets: never above the weakest pair's."""
    return log_least + together * (log_sum - log_least) - surplus * (size - 2)


def score(params: CompatibilityParams, places: Places, table: Table) -> Floats:
    """Return (n,) predictions; a set's from the pairs of its example."""
    if table.x.shape[1] != params.width:
        raise Damaged(f"rows have {table.x.shape[1]} columns, the version {params.width}")
    whole = table.x[:, places.sets] > 0
    result = np.empty(len(table), dtype=np.float64)
    if not whole.all():
        result[~whole] = pair_probabilities(params, places, table.x[~whole])
    if whole.any():
        log_sum, log_least = pair_logs(places, table, whole, result)
        result[whole] = set_probability(params, places, table.x[whole], log_sum, log_least)
    return result


def pair_logs(
    places: Places, table: Table, whole: NDArray[np.bool_], p: Floats
) -> tuple[Floats, Floats]:
    """Return the sum and the least of the pairs' log probabilities, for each row about a set.

    A set's row alone does not hold its pairs; where the table lacks them, the rates in the row do.
    """
    of_example: dict[int, list[float]] = {}
    wanted = set(table.example[whole].tolist())
    for i in np.flatnonzero(~whole).tolist():
        example = int(table.example[i])
        if example in wanted:
            of_example.setdefault(example, []).append(float(np.log(p[i])))
    sums, least = [], []
    for i in np.flatnonzero(whole).tolist():
        row = table.x[i, places.sets :]
        logs = of_example.get(int(table.example[i]), [])
        complete = len(logs) == int(row[2])
        sums.append(sum(logs) if complete else float(row[3]))
        least.append(min(logs) if complete else float(row[4]))
    return np.array(sums), np.array(least)


def dump(params: CompatibilityParams) -> bytes:
    """Return params as data-only bytes."""
    calibrator = params.calibrator
    manifest: dict[str, Any] = {
        "kind": params.kind,
        "names": list(params.layout.names),
        "width": params.width,
        "columns": params.columns,
        "calibrator": [calibrator.slope, calibrator.intercept, calibrator.method],
        "strengths": dict(params.strengths),
        "together": params.together,
        "surplus": params.surplus,
        "sets_learned": params.sets_learned,
        "rows": params.rows,
    }
    layout = params.layout
    places = {"left": layout.left, "right": layout.right, "rest": layout.rest}
    return packing.pack(manifest, {**params.arrays, **places})


def load(data: bytes, width: int, columns: str) -> CompatibilityParams:
    """Return what ``dump`` wrote.

    Raises:
        Damaged: The bytes are not a fitted compatibility model over these columns.
    """
    try:
        manifest, arrays = packing.unpack(data)
        params = _read(manifest, arrays)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Damaged(f"not a compatibility model: {error}") from error
    if (params.width, params.columns) != (width, columns):
        raise Damaged("the model reads other columns than this catalogue has")
    return params


def _read(manifest: Mapping[str, Any], arrays: dict[str, NDArray[Any]]) -> CompatibilityParams:
    left, right, rest = (arrays.pop(name).astype(np.int64) for name in ("left", "right", "rest"))
    layout = Layout(tuple(manifest["names"]), left, right, rest)
    slope, intercept, method = manifest["calibrator"]
    width = int(manifest["width"])
    for places in (left, right, rest):
        if len(places) and not 0 <= int(places.min()) <= int(places.max()) < width:
            raise ValueError("a column points outside the row")
    if len(layout.names) != len(left) + len(rest) or len(left) != len(right):
        raise ValueError("the columns do not fit their names")
    kind: Kind = manifest["kind"]
    model = structural(kind, arrays)
    # Arrays of another width are refused here, not in the first answer.
    row = np.zeros((1, len(layout.names)), dtype=np.float32)
    if len(model.score(row)) != 1 or len(model.explain(row[0])) != len(layout.names):
        raise ValueError("the model reads other columns than its layout has")
    return CompatibilityParams(
        kind,
        layout,
        width,
        str(manifest["columns"]),
        Calibrator(float(slope), float(intercept), method),
        {str(k): float(v) for k, v in manifest["strengths"].items()},
        float(manifest["together"]),
        float(manifest["surplus"]),
        bool(manifest["sets_learned"]),
        int(manifest["rows"]),
        arrays,
        model,
    )
