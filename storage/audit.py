"""What was done, for the audit: each row with its time, what it is, and who did it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage.queries import QUERIES

if TYPE_CHECKING:
    from storage.pool import AnyConnection


async def done(
    connection: AnyConnection, learner: str | None, since: datetime | None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest training runs, promotions, roll-backs and erasures."""
    rows = await connection.fetch(QUERIES["audit"], learner, since, limit)
    return [_flat(dict(row.items())) for row in rows]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its details beside the rest, and only with what its kind has."""
    details = row.pop("details")
    common = {name: row[name] for name in ("at", "what", "learner", "by")}
    if row["what"] == "erasure":
        return {**common, **details}
    named = (
        ("result", "version", "reason")
        if row["what"] == "run"
        else ("previous", "version", "reason")
    )
    return {**common, **{name: row[name] for name in named}, **details}


async def decided(
    connection: AnyConnection, learner: str | None, since: datetime | None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest decisions, each with the last word on it."""
    rows = await connection.fetch(QUERIES["audit_decisions"], learner, since, limit)
    return [dict(row.items()) for row in rows]


async def told(
    connection: AnyConnection, learner: str | None, since: datetime | None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest outcomes, those among them that were corrected since."""
    rows = await connection.fetch(QUERIES["audit_outcomes"], learner, since, limit)
    return [dict(row.items()) for row in rows]
