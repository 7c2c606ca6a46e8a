"""Training runs: requests that coalesce, leases with a fencing token, and the history.

One row per learner, not a queue: a request raises a counter, and a run is due while more was
requested than done.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from storage.queries import QUERIES

if TYPE_CHECKING:
    from asyncpg import Record

    from storage.pool import AnyConnection


async def request(
    connection: AnyConnection, learner: str, reason: str, *, manual: bool = False
) -> int:
    """Ask for a run and return the request's number.

    Requests during a run are not lost: one more run follows.
    """
    number = int(await connection.fetchval(QUERIES["request"], learner, reason, manual))
    await connection.execute(QUERIES["notify"], "requests")
    return number


async def withdraw(connection: AnyConnection, learner: str, number: int) -> bool:
    """Take a request back; False when its run has begun or others asked for the same run."""
    return await connection.fetchval(QUERIES["withdraw"], learner, number) is not None


async def request_of(connection: AnyConnection, learner: str, number: int) -> Record | None:
    """Return what became of a request, with the run that settled it or is under way."""
    return await connection.fetchrow(QUERIES["request_of"], learner, number)


async def request_due(connection: AnyConnection, learner: str, reason: str) -> bool:
    """Ask for a run because it is due, unless one is asked for or under way already."""
    return await connection.fetchval(QUERIES["request_due"], learner, reason) is not None


async def claim(
    connection: AnyConnection, learner: str, owner: str, lease: timedelta
) -> tuple[uuid.UUID, dict[str, Any]] | None:
    """Take the lease of a requested run, or return None: nothing requested, or somebody has it."""
    token = uuid.uuid4()
    row = await connection.fetchrow(QUERIES["claim"], learner, owner, token, lease)
    return None if row is None else (token, dict(row.items()))


async def beat(connection: AnyConnection, learner: str, token: uuid.UUID, lease: timedelta) -> bool:
    """Extend the lease; False when it was lost."""
    return await connection.fetchval(QUERIES["beat"], learner, token, lease) is not None


async def finish(
    connection: AnyConnection,
    learner: str,
    token: uuid.UUID,
    generation: int,
    epoch: int | None = None,
) -> bool:
    """Mark what was requested up to a generation as done; False when the lease was lost.

    Args:
        epoch: Of the memory that was trained on; another one since then is a lost lease, too.
    """
    done = await connection.fetchval(QUERIES["finish"], learner, token, generation, epoch)
    return done is not None


async def fail(
    connection: AnyConnection, learner: str, token: uuid.UUID, wait: timedelta, given_up: int
) -> bool:
    """Release the lease after a failure, to try again after ``wait``.

    Args:
        connection: Of whoever holds the lease.
        learner: Whose run failed.
        token: Of the lease.
        wait: Until the next attempt.
        given_up: Requests up to this number are not tried again; 0: all are.

    Returns:
        False when the lease was lost.
    """
    released = await connection.fetchval(QUERIES["fail"], learner, token, wait, given_up)
    return released is not None


async def release(connection: AnyConnection, learner: str, token: uuid.UUID) -> None:
    """Give a lease back unused; the attempt does not count."""
    await connection.execute(QUERIES["release"], learner, token)


async def start(connection: AnyConnection, learner: str, trigger: str, revision: int) -> int:
    """Open a run and return its number; runs whose process died are closed as failed."""
    number = int(await connection.fetchval(QUERIES["start_run"], learner, trigger, revision))
    await connection.execute(QUERIES["abandon_runs"], learner, number)
    return number


async def end(
    connection: AnyConnection,
    run: int,
    *,
    result: str,
    reason: str,
    number: int | None = None,
    outcomes: int = 0,
    distinct: int = 0,
    missing: int | None = None,
    memory_seq: int = 0,
    accuracy: float | None = None,
    report: Any = None,
    catalogue: int = 0,
    settled: int | None = None,
) -> None:
    """Close a run with its result and the reason in words, unless it is closed already.

    Args:
        settled: Requests up to this one are done with it.
    """
    await connection.execute(
        QUERIES["end_run"], run, result, reason, number, outcomes, distinct, missing, memory_seq,
        accuracy, report, catalogue, settled,
    )  # fmt: skip
    await connection.execute(QUERIES["notify"], "runs")


async def last(connection: AnyConnection, learner: str) -> Record | None:
    """Return the newest run that has ended."""
    return await connection.fetchrow(QUERIES["last_run"], learner)


async def training_since(connection: AnyConnection, learner: str) -> datetime | None:
    """Return when the run that is under way started, or None."""
    since: datetime | None = await connection.fetchval(QUERIES["training_since"], learner)
    return since


async def last_judged(connection: AnyConnection, learner: str) -> Record | None:
    """Return the newest run that could look at the evidence."""
    return await connection.fetchrow(QUERIES["last_judged_run"], learner)


async def history(connection: AnyConnection, learner: str | None, limit: int) -> list[Record]:
    """Return the newest runs."""
    return await connection.fetch(QUERIES["runs"], learner, limit)


async def read(connection: AnyConnection, run: int) -> Record | None:
    """Return a run with its report, or None."""
    return await connection.fetchrow(QUERIES["run"], run)
