"""What of a row's texts is stored. Pure: no database, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel

from learners.learner import AnyLearner
from learners.redaction import StoreText, redacted, stored
from storage.rows import DecisionRow, EventRow


def kept_query(learner: AnyLearner, row: DecisionRow, mode: StoreText) -> DecisionRow:
    """Return a decision with only the part of its query's free texts that may be stored."""
    return replace(row, query=_query(learner, row.query, mode))


def kept(row: EventRow, mode: StoreText, learner: AnyLearner | None = None) -> EventRow:
    """Return a row with only the part of its texts that may be stored."""
    value = dict(row.outcome)
    if row.learner == "*":  # the facts are still needed: names and all, but no secrets
        value["facts"] = _texts(value["facts"], "redacted")
    else:
        words = _words(learner.outcome) if learner else ()
        names = learner.names if learner else ()
        value = {
            redacted(name): each
            if name in words
            else _texts(each, "redacted" if name in names else mode)
            for name, each in value.items()
        }
    query = _query(learner, row.query, mode)
    return replace(row, notes=stored(row.notes, mode), outcome=value, query=query)


def _query(
    learner: AnyLearner | None, query: Mapping[str, Any] | None, mode: StoreText
) -> Mapping[str, Any] | None:
    if query is None or learner is None or not learner.texts:
        return query
    return {**query, **{name: _texts(query[name], mode) for name in learner.texts if name in query}}


def _words(outcome: type[BaseModel]) -> frozenset[str]:
    """Return the fields that hold one of a few words, which are no texts of the caller's."""
    return frozenset(
        name for name, field in outcome.model_fields.items() if _is_choice(field.annotation)
    )


def _is_choice(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return True
    among = [each for each in get_args(annotation) if each is not NoneType]
    return len(among) == 1 and get_origin(among[0]) is Literal


def _texts(value: Any, mode: StoreText) -> Any:
    """Return a value with only the part of its texts that may be stored, however deep."""
    if isinstance(value, str):
        return stored(value, mode)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return {redacted(name): _texts(each, mode) for name, each in pairs}
    if isinstance(value, list | tuple):
        return [_texts(each, mode) for each in cast("Sequence[Any]", value)]
    return value
