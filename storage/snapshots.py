"""Snapshots of memories: checksummed bytes, one per learner and revision."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from storage.queries import QUERIES
from storage.versions import check

if TYPE_CHECKING:
    from storage.pool import AnyConnection


async def write(
    connection: AnyConnection, learner: str, revision: int, epoch: int, seq: int, data: bytes
) -> None:
    """Store a memory as of an event, unless a later one is there."""
    digest = hashlib.sha256(data).digest()
    await connection.execute(QUERIES["write_snapshot"], learner, revision, epoch, seq, digest, data)


async def read(connection: AnyConnection, learner: str, revision: int) -> tuple[int, bytes] | None:
    """Return (event number, bytes) of the present epoch, or None.

    Raises:
        Damaged: The bytes do not match their checksum.
    """
    row = await connection.fetchrow(QUERIES["snapshot"], learner, revision)
    if row is None:
        return None
    check(f"snapshot of {learner}", row["data"], row["sha256"])
    return row["seq"], row["data"]
