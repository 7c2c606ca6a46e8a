"""What a fit returns, how it turns rows into predictions, and how it travels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.catalog._generation.models import Kind, Model, served
from learners.errors import Damaged
from learners.learner import Floats, Row
from learners.numerics.calibration import Calibrator, expit
from models import packing

LEVEL = 0.9  # of intervals


@dataclass(frozen=True, slots=True, eq=False)
class GenerationParams:
    """A fitted model of the family.

    Attributes:
        kind: Of the model.
        names: Columns that it reads; ``places`` where they are in a row.
        columns: Identifies the columns of a row.
        calibrator: Of log odds, for learners of probabilities.
        residuals: Of learners of values: by bucket, on the scale of effects, sorted.
        importance: By column, what share of all contributions came from it.
        rows: That it was fitted on.
        arrays: The model's own.
        model: Made of the arrays.
    """

    kind: Kind
    names: tuple[str, ...]
    places: NDArray[np.int64]
    columns: str
    calibrator: Calibrator | None
    residuals: Mapping[str, Floats]
    importance: Mapping[str, float]
    rows: int
    arrays: Mapping[str, NDArray[Any]]
    model: Model

    def design(self, x: Row) -> Row:
        """Return (n, k) of (n, d)."""
        return np.ascontiguousarray(x[:, self.places])

    def predict(self, x: Row) -> Floats:
        """Return (n,) probabilities, or values on the scale of effects."""
        score = self.model.score(self.design(x))
        if self.calibrator is None:
            return score
        return expit(self.calibrator.slope * score + self.calibrator.intercept)


def dump(params: GenerationParams) -> bytes:
    """Return params as data-only bytes."""
    found = params.calibrator
    manifest: dict[str, Any] = {
        "kind": params.kind,
        "names": list(params.names),
        "columns": params.columns,
        "calibrator": None if found is None else [found.slope, found.intercept, found.method],
        "importance": dict(params.importance),
        "rows": params.rows,
        "buckets": list(params.residuals),
    }
    residuals = {f"residuals_{i}": each for i, each in enumerate(params.residuals.values())}
    return packing.pack(manifest, {**params.arrays, **residuals, "places": params.places})


def load(data: bytes, columns: str, width: int) -> GenerationParams:
    """Return what ``dump`` wrote.

    Raises:
        Damaged: The bytes are not a fitted model over these columns.
    """
    try:
        params = _read(*packing.unpack(data), width)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Damaged(f"not a generation model: {error}") from error
    if params.columns != columns:
        raise Damaged("the model reads other columns than this program has")
    return params


def _read(
    manifest: Mapping[str, Any], arrays: dict[str, NDArray[Any]], width: int
) -> GenerationParams:
    places = arrays.pop("places").astype(np.int64)
    names = tuple(str(name) for name in manifest["names"])
    if len(places) != len(names) or not 0 <= int(places.min()) <= int(places.max()) < width:
        raise ValueError("the columns do not fit their names")
    residuals = {
        str(bucket): arrays.pop(f"residuals_{i}").astype(np.float64)
        for i, bucket in enumerate(manifest["buckets"])
    }
    calibrator = None
    if manifest["calibrator"] is not None:
        slope, intercept, method = manifest["calibrator"]
        calibrator = Calibrator(float(slope), float(intercept), method)
    model = served(manifest["kind"], arrays, odds=calibrator is not None)
    # Arrays of another width are refused here, not in the first answer.
    row = np.zeros((1, len(names)), dtype=np.float32)
    if len(model.score(row)) != 1 or len(model.explain(row[0])) != len(names):
        raise ValueError("the model reads other columns than it names")
    return GenerationParams(
        manifest["kind"],
        names,
        places,
        str(manifest["columns"]),
        calibrator,
        residuals,
        {str(name): float(share) for name, share in manifest["importance"].items()},
        int(manifest["rows"]),
        arrays,
        model,
    )
