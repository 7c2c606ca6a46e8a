"""Figures of generations by week (002-97 ... 002-103)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.queries import QUERIES

if TYPE_CHECKING:
    from storage.pool import AnyConnection


async def weekly(
    connection: AnyConnection, weeks: int, project: str | None
) -> list[dict[str, Any]]:
    """Return one row for each of the newest weeks, oldest first, the present one last.

    Args:
        project: Whose generations; None is everybody's.
    """
    rows = await connection.fetch(QUERIES["weekly_kpis"], weeks, project)
    return [dict(row.items()) for row in rows]
