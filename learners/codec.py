"""Rows of the log and bytes of snapshots, as the values that the fold works on."""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from learners.errors import Damaged, InvalidFacts
from learners.judging import Report
from learners.learner import AnyEvent, AnyLearner, Event
from learners.ledger import Ledger
from learners.replay import Entry, Fold, Served
from learners.wording import problems

Row = Mapping[str, Any]

LARGEST = 2**28  # bytes of a memory as text: four times what a memory may take


def validated(model: type[BaseModel], value: Any, what: str) -> Any:
    """Return the value as the model, or say which field is wrong and what was expected.

    Raises:
        InvalidFacts: With one line per wrong field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidFacts(explained(error, what, model)) from None


def explained(error: ValidationError, what: str, model: type[BaseModel]) -> str:
    """Return a validation error in one line: the field, what was expected, what is accepted."""
    return f"{'; '.join(problems(error, [what]))}. Accepted: {', '.join(model.model_fields)}."


def entry(learner: AnyLearner, row: Row) -> Entry:
    """Return a row of the log as the fold's entry.

    Raises:
        InvalidFacts: The row does not fit this revision of the learner's types.
    """
    replaced = _event(learner, row, "replaced_") if row["replaced_seq"] is not None else None
    served = None
    if row["served"] is not None:
        served = _served(row["served_version"] or 0, row["served"])
    return Entry(
        event=_event(learner, row, "", replaced),
        memory_seq=row["memory_seq"],
        timed=row["asked"] is not None,
        group=row["sample_group"],
        propensity=row["propensity"],
        served=served,
    )


def _served(version: int, predicted: Sequence[Sequence[Any]]) -> Served:
    """Return what was shown, from rows of option, prediction and, where there is one, interval."""
    said = {option: value for option, value, *_ in predicted}
    bounds = {option: (low, high) for option, _, low, high in (r for r in predicted if len(r) == 4)}
    return Served(version, said, bounds)


def _event(
    learner: AnyLearner, row: Row, prefix: str, replaced: AnyEvent | None = None
) -> AnyEvent:
    known, asked = row[f"{prefix}known"], row[f"{prefix}asked"]
    return Event(
        seq=row[f"{prefix}seq"],
        query=validated(learner.query, row[f"{prefix}query"], "query"),
        outcome=validated(learner.outcome, row[f"{prefix}outcome"], "outcome"),
        known=known,
        asked=known if asked is None else asked,
        option=row[f"{prefix}option"],
        source=row[f"{prefix}source"],
        strength=row[f"{prefix}strength"],
        replaced=replaced,
    )


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Adapters are dear to build and asked for often."""
    found = _adapters.get(kind)
    if found is None:
        found = _adapters[kind] = TypeAdapter(kind)
    return found


def freeze(fold: Fold) -> bytes:
    """Return a fold as compressed JSON: data only, exact to the last bit."""
    parts = {
        "known": fold.known,
        "memory": _adapter(fold.learner.memory).dump_python(fold.memory, mode="json"),
        "ledger": _adapter(Ledger).dump_python(fold.ledger, mode="json"),
    }
    return zlib.compress(json.dumps(parts, separators=(",", ":"), allow_nan=False).encode())


def thaw(learner: AnyLearner, seq: int, data: bytes) -> Fold:
    """Return the fold that ``freeze`` wrote.

    Raises:
        Damaged: The bytes are not a snapshot of this learner.
    """
    try:
        parts = json.loads(_unfolded(data))
        memory = _adapter(learner.memory).validate_python(parts["memory"])
        ledger = _adapter(Ledger).validate_python(parts["ledger"])
        known = float(parts["known"])
    except (zlib.error, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Damaged(f"snapshot of {learner.name}: {error}; the log is replayed instead") from None
    return Fold(learner, memory, ledger, seq, known)


def _unfolded(data: bytes) -> bytes:
    """Return what the bytes unfold to, without unfolding more than a memory may have."""
    unfold = zlib.decompressobj()
    text = unfold.decompress(data, LARGEST)
    if unfold.unconsumed_tail or not unfold.eof:
        raise ValueError(f"expected a whole one of at most {LARGEST} bytes")
    return text


def report_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON; a bound that is not finite becomes null."""
    plain: dict[str, Any] = _finite(_adapter(Report).dump_python(report, mode="python"))
    return plain


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return {key: _finite(inner) for key, inner in pairs}
    if isinstance(value, tuple | list):
        return [_finite(inner) for inner in cast("Sequence[Any]", value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
