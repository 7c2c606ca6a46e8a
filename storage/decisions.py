"""Logged asks: read one, read what was told about it, prune, export."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from storage.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from storage.pool import AnyConnection


async def read(connection: AnyConnection, decision_id: str) -> list[dict[str, Any]]:
    """Return the rows of a decision, one per learner."""
    rows = await connection.fetch(QUERIES["decision"], decision_id)
    return [dict(row.items()) for row in rows]


async def outcomes(connection: AnyConnection, decision_id: str) -> list[Record]:
    """Return everything told about a decision, in order."""
    return await connection.fetch(QUERIES["outcomes_of_decision"], decision_id)


async def unanswered(
    connection: AnyConnection, learner: str, project: str | None, age: timedelta, limit: int
) -> list[Record]:
    """Return the newest decisions about which nothing was told yet, with how many there are."""
    return await connection.fetch(QUERIES["unanswered_decisions"], learner, project, age, limit)


async def prune(connection: AnyConnection, age: timedelta) -> None:
    """Delete decisions of that age about which nothing was ever told."""
    await connection.execute(QUERIES["prune_decisions"], age)


async def size(connection: AnyConnection) -> int:
    """Return how many bytes the database takes."""
    return int(await connection.fetchval(QUERIES["database_size"]))


async def export_decisions(connection: AnyConnection) -> list[Record]:
    """Return every decision."""
    return await connection.fetch(QUERIES["export_decisions"])


async def export_outcomes(connection: AnyConnection) -> list[Record]:
    """Return every stored outcome with its key."""
    return await connection.fetch(QUERIES["export_outcomes"])


async def join_rate(connection: AnyConnection, learners: Sequence[str]) -> tuple[int, int]:
    """Return (decisions, decisions with an outcome); one of several learners counts once."""
    row = await connection.fetchrow(QUERIES["join_rate"], list(learners))
    return (row["decisions"], row["joined"]) if row else (0, 0)


async def told(connection: AnyConnection) -> dict[str, Record]:
    """Return counts of stored outcomes per learner; ``*`` waits for decisions."""
    return {row["learner"]: row for row in await connection.fetch(QUERIES["told"])}


async def existing(connection: AnyConnection, ids: Sequence[str]) -> set[str]:
    """Return those of some ids that are of decisions."""
    return {row["id"] for row in await connection.fetch(QUERIES["existing_decisions"], ids)}


async def generations(connection: AnyConnection) -> list[Record]:
    """Return every generation as an event of spec 002 (002-47 ... 002-58), in order of time."""
    return await connection.fetch(QUERIES["generations"])


async def feature_vectors(connection: AnyConnection) -> list[Record]:
    """Return every generation as a feature vector of spec 002 (002-59 ... 002-63)."""
    return await connection.fetch(QUERIES["feature_vectors"])


async def matrix(connection: AnyConnection) -> list[Record]:
    """Return the compatibility matrix (000-37), newest first (000-39)."""
    return await connection.fetch(QUERIES["matrix"])
