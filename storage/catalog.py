"""What the user added to a learner's catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storage.queries import QUERIES

if TYPE_CHECKING:
    from storage.pool import AnyConnection


async def entries(connection: AnyConnection, learner: str) -> tuple[dict[str, Any], ...]:
    """Return the user's entries, by name."""
    rows = await connection.fetch(QUERIES["catalog_entries"], learner)
    return tuple(row["entry"] for row in rows)


async def put_all(
    connection: AnyConnection, learner: str, entries: Mapping[str, Mapping[str, Any]]
) -> None:
    """Add entries by name, or replace those of that name: all of them or none."""
    async with connection.transaction():
        rows = [(learner, name, dict(entry)) for name, entry in entries.items()]
        await connection.executemany(QUERIES["put_catalog_entry"], rows)
        await connection.execute(QUERIES["notify"], "catalogue")


async def drop(connection: AnyConnection, learner: str, name: str) -> bool:
    """Remove an entry; False when there is none of that name."""
    dropped = await connection.fetchval(QUERIES["drop_catalog_entry"], learner, name)
    if dropped is not None:
        await connection.execute(QUERIES["notify"], "catalogue")
    return dropped is not None
