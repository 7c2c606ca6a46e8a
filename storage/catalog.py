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


async def put(connection: AnyConnection, learner: str, name: str, entry: Mapping[str, Any]) -> None:
    """Add an entry, or replace the one of that name."""
    await connection.execute(QUERIES["put_catalog_entry"], learner, name, dict(entry))
    await connection.execute(QUERIES["notify"], "catalogue")


async def drop(connection: AnyConnection, learner: str, name: str) -> bool:
    """Remove an entry; False when there is none of that name."""
    dropped = await connection.fetchval(QUERIES["drop_catalog_entry"], learner, name)
    if dropped is not None:
        await connection.execute(QUERIES["notify"], "catalogue")
    return dropped is not None
