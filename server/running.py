"""Composition: one task group that holds the lifecycle, what follows the log, and the worker."""

import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from server.logs import route
from server.settings import Settings
from tools.context import App

if TYPE_CHECKING:
    from learners.lifecycle import Lifecycle
    from learners.serving import Live
    from storage.database import Database

FIRST_REPLY = 0.5  # seconds to wait for a first message before importing the learners
AFTER_REPLY = 0.02  # seconds in which the reply is written
FLUSH_SECONDS = 0.8

Open = Callable[[], "Awaitable[Database]"]


@asynccontextmanager
async def running(
    app: App,
    settings: Settings,
    open_database: Open,
    *,
    worker: bool,
    replied: anyio.Event | None = None,
) -> AsyncGenerator[None, None]:
    """Run everything behind the tools while the block runs; leave with nothing unwritten.

    Args:
        app: Is given the lifecycle as soon as there is one.
        settings: Limits and thresholds.
        open_database: Is called again for as long as it fails.
        worker: Whether this process trains.
        replied: The imports wait for this, so that the first reply does not wait for them.
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(
            partial(_run, app, settings, open_database, worker=worker, replied=replied)
        )
        try:
            yield
        except Exception as error:  # noqa: BLE001 - it goes on below: a task group would wrap what is the caller's
            failure = error
        finally:
            with anyio.CancelScope(shield=True):
                await _flush(app)
            group.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _run(
    app: App,
    settings: Settings,
    open_database: Open,
    *,
    worker: bool,
    replied: anyio.Event | None,
) -> None:
    if replied is not None:
        with anyio.move_on_after(FIRST_REPLY):
            await replied.wait()
        await anyio.sleep(AFTER_REPLY)
    await to_thread.run_sync(route, abandon_on_cancel=True)
    lives = await to_thread.run_sync(_imported, settings, abandon_on_cancel=True)
    # imported by now
    from learners import following
    from learners.lifecycle import Lifecycle
    from learners.worker import work

    lifecycle = Lifecycle(lives, store_text=settings.store_text, store_code=settings.store_code)
    app.set(lifecycle)
    async with anyio.create_task_group() as group:
        group.start_soon(lifecycle.writer.run)
        group.start_soon(following.follow, lifecycle, open_database)
        if worker:
            group.start_soon(partial(work, lifecycle, options=settings.training()))


def _imported(settings: Settings) -> "dict[str, Live]":
    """Import what takes long, off the event loop."""
    for name in ("asyncpg", "learners.worker"):  # else they are imported on the loop
        importlib.import_module(name)
    from learners.registry import catalog
    from learners.serving import Live

    return {
        name: Live(settings.applied(learner), models=settings.models)
        for name, learner in catalog().items()
    }


async def _flush(app: App) -> None:
    """Write what is buffered, if there is a database to write to."""
    lifecycle: Lifecycle | None = app.made
    if lifecycle is None or lifecycle.database is None or lifecycle.trouble:
        return
    from storage.errors import StorageError

    try:
        await lifecycle.writer.flush(FLUSH_SECONDS)
    except StorageError:
        return  # advice only; what was told is on disk before it is acknowledged
