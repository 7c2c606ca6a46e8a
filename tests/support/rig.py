"""A lifecycle with its background tasks over a database, as a process would run it."""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from learners import following, worker
from learners.learner import AnyLearner
from learners.lifecycle import Lifecycle
from learners.serving import Live
from storage import migrations, pool
from storage.database import Database
from storage.embedded import Dsn


async def open_database(dsn: Dsn) -> Database:
    """Open a database of the session's cluster."""
    target = pool.embedded(dict(dsn))
    async with pool.connection(target, statement_timeout="0") as connection:
        await migrations.migrate(connection)
    return Database(target, None, await pool.open_pool(target))


@asynccontextmanager
async def running(
    dsn: Dsn, learners: Sequence[AnyLearner], *, train: bool = False
) -> AsyncGenerator[Lifecycle]:
    """Yield a lifecycle that has loaded its history."""
    lifecycle = Lifecycle({learner.name: Live(learner) for learner in learners})
    async with anyio.create_task_group() as group:
        group.start_soon(lifecycle.writer.run)
        group.start_soon(following.follow, lifecycle, lambda: open_database(dsn))
        if train:
            group.start_soon(worker.work, lifecycle)
        assert await lifecycle.ready(20)
        yield lifecycle
        group.cancel_scope.cancel()


def trainers() -> list[int]:
    """Return the pids of our own training children."""
    found = list[int]()
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        try:
            command = Path("/proc", child, "cmdline").read_text()
        except FileNotFoundError:
            continue
        if "learners.trainer" in command:
            found.append(int(child))
    return found
