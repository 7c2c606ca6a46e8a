"""Answers nobody has judged yet, those first whose outcome would teach most (002-105)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from learners.codec import validated
from learners.errors import InvalidFacts
from learners.lifecycle import Lifecycle
from learners.serving import Live
from learners.wording import quoted
from storage import decisions

PATIENCE: Final = timedelta(days=30)  # who has not answered by then will not
LOOKED_AT: Final = 1000  # newest ones of a learner


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """One answer without an outcome.

    Attributes:
        asked: When, in seconds since 1970.
        about: What was asked, by field; texts as far as they are stored, cut short.
        information: What its outcome would teach, in bits.
    """

    decision_id: str
    learner: str
    asked: float
    project: str
    about: Mapping[str, Any]
    information: float


async def pending(lifecycle: Lifecycle, project: str | None = None) -> tuple[list[Unanswered], int]:
    """Return unanswered questions, the most telling first, and how many there are in all.

    Args:
        project: Where they were asked; None is anywhere. Texts of one project are not for others.

    Raises:
        NotStored: The database is away.
    """
    found, total = list[Unanswered](), 0
    for live in lifecycle.lives.values():
        if live.learner.information is not None:
            name = live.learner.name
            rows = await lifecycle.run(
                partial(
                    decisions.unanswered, learner=name, project=project, age=PATIENCE,
                    limit=LOOKED_AT,
                )
            )  # fmt: skip
            total += rows[0]["total"] if rows else 0
            found += [each for row in rows for each in _unanswered(live, row, lifecycle.now())]
    return sorted(found, key=lambda each: (-each.information, -each.asked, each.decision_id)), total


def _unanswered(live: Live, row: Mapping[str, Any], at: float) -> list[Unanswered]:
    """Return a row as what it is; nothing where this revision cannot read it."""
    learner = live.learner
    try:
        query = validated(learner.query, row["query"], "query")
    except InvalidFacts:
        return []
    if learner.information is None:
        return []
    return [
        Unanswered(
            decision_id=str(row["id"]),
            learner=learner.name,
            asked=row["asked"],
            project=row["project"],
            about=about(query),
            information=learner.information(live.fold.memory, query, at),
        )
    ]


def about(query: BaseModel) -> dict[str, Any]:
    """Return what a question says in words and numbers, but for what it leaves at its default."""
    hidden = {name for name, field in type(query).model_fields.items() if not field.repr}
    said = query.model_dump(mode="json", exclude_defaults=True, exclude={"project", *hidden})
    plain = {name: value for name, value in said.items() if isinstance(value, str | int | float)}
    return {name: _short(value) for name, value in plain.items()}


def _short(value: Any) -> Any:
    return quoted(value)[1:-1] if isinstance(value, str) else value
