"""The registry: versions, what is served, promotions. Each function takes a connection."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from storage.errors import Damaged
from storage.queries import QUERIES

if TYPE_CHECKING:
    from asyncpg import Record

    from storage.pool import AnyConnection


async def ensure(connection: AnyConnection, learner: str) -> None:
    """Make sure a learner has its row."""
    await connection.execute(QUERIES["ensure_learner"], learner)


async def serving(connection: AnyConnection) -> dict[str, Record]:
    """Return the one record per learner: mode, incumbent, candidate, share, retraining."""
    return {row["learner"]: row for row in await connection.fetch(QUERIES["serving"])}


async def register(
    connection: AnyConnection,
    learner: str,
    *,
    revision: int,
    candidate: str,
    params: bytes,
    report: Any,
    lineage: Any,
) -> int:
    """Store a version under the next number and return the number."""
    digest = hashlib.sha256(params).digest()
    return int(
        await connection.fetchval(
            QUERIES["register"], learner, revision, candidate, params, digest, report, lineage
        )
    )


async def read(connection: AnyConnection, learner: str, number: int) -> Record | None:
    """Return a version, or None. Its params are checked against their checksum.

    Raises:
        Damaged: The stored bytes are not those that were registered.
    """
    row = await connection.fetchrow(QUERIES["version"], learner, number)
    if row is not None and row["params"] is not None:
        check(f"version {number} of {learner}", row["params"], row["sha256"])
    return row


def check(what: str, data: bytes, digest: bytes) -> None:
    """Raise Damaged unless the bytes have this SHA-256."""
    found = hashlib.sha256(data).digest()
    if found != digest:
        raise Damaged(
            f"{what}: expected SHA-256 {digest.hex()[:12]}..., found {found.hex()[:12]}...; "
            "the stored bytes are damaged and are not used"
        )


async def versions(connection: AnyConnection, learner: str) -> list[Record]:
    """Return all versions of a learner, newest first, without their params."""
    return await connection.fetch(QUERIES["versions"], learner)


async def promote(
    connection: AnyConnection, learner: str, number: int | None, *, by: str, reason: str
) -> int | None:
    """Serve a version (None: none) and write the audit row; return what was served before."""
    async with connection.transaction():
        await ensure(connection, learner)
        previous: int | None = await connection.fetchval(QUERIES["previous_incumbent"], learner)
        await connection.execute(QUERIES["serve"], learner, number)
        await connection.execute(QUERIES["insert_promotion"], learner, number, previous, by, reason)
        await connection.execute(QUERIES["notify"], "versions")
    return previous


async def promotions(
    connection: AnyConnection, learner: str, limit: int | None = 20
) -> list[Record]:
    """Return promotions and roll-backs, newest first; without a limit all of them."""
    return await connection.fetch(QUERIES["promotions"], learner, limit)


async def strip(connection: AnyConnection, learner: str, keep: int) -> None:
    """Drop the params of versions beyond the newest ``keep`` that were never served."""
    await connection.execute(QUERIES["strip_old_versions"], learner, keep)
