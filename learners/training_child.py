"""Runs one training attempt in a process of its own, and speaks with it through files."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from learners import incumbents
from learners.training_files import EVENTS, FOUND, INCUMBENT, JOB, Found, Job, Refitted, event_line
from storage import log

if TYPE_CHECKING:
    from anyio.abc import Process

    from learners.learner import AnyLearner
    from storage.database import Database

PAGE = 5000
PREFIX = "foresight-training-"
# Several threads of linear algebra on few cores wait for one another: seen 70 times slower.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

logger = structlog.get_logger("foresight.training")


class TrainingFailed(Exception):
    """The child ended without a result; the text is its last words."""


@contextmanager
def workplace() -> Generator[Path]:
    """Make a directory for one training, and delete it and those that killed processes left.

    The kernel says which those are: its lock on a directory ends with the process that has it.
    """
    import fcntl  # absent on Windows, where this module must still import

    with tempfile.TemporaryDirectory(prefix=PREFIX) as made, _opened(Path(made)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in Path(made).parent.glob(f"{PREFIX}*"):
            with suppress(OSError), _opened(left) as theirs:
                fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
        yield Path(made)


@contextmanager
def _opened(directory: Path) -> Generator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def hand_over(
    database: Database, learner: AnyLearner, job: Job, incumbent: int | None, directory: Path
) -> None:
    """Write what the child needs: the learner's events, what is being served, and the job."""
    await write_events(database, job.learner, directory)
    served = await incumbents.usable(database.run, learner, incumbent)
    if served.number is not None:
        (directory / INCUMBENT).write_bytes(served.data)
    (directory / JOB).write_text(job.model_dump_json(), "utf-8")


async def write_events(
    database: Database, learner: str, directory: Path, until: float = math.inf
) -> None:
    """Write a learner's events, up to a number."""
    with (directory / EVENTS).open("w", encoding="utf-8") as lines:
        seq = 0
        while rows := await database.run(partial(log.since, seq=seq, limit=PAGE, learner=learner)):
            lines.writelines(event_line(row) for row in rows if row["seq"] <= until)
            seq = rows[-1]["seq"]
            if seq > until:
                return


async def trained(directory: Path, guard: Callable[[Process], Coroutine[Any, Any, None]]) -> Found:
    """Run the child over a directory and return what it found.

    Args:
        guard: Runs beside the child, and may kill it.

    Raises:
        TrainingFailed: It ended without a result.
    """
    return Found.model_validate_json(await _run(directory, guard))


async def refitted(directory: Path) -> Refitted:
    """Run the child over a directory whose job is a refit, and return what it found.

    Raises:
        TrainingFailed: It ended without a result.
    """

    async def alone(_: Process) -> None:
        """Nobody else wants it."""

    return Refitted.model_validate_json(await _run(directory, alone))


async def _run(directory: Path, guard: Callable[[Process], Coroutine[Any, Any, None]]) -> str:
    """Run the child and return the text of what it found."""
    command = [sys.executable, "-P", "-m", "learners.trainer", str(directory)]
    environment = {**os.environ, **ONE_THREAD}
    async with await anyio.open_process(command, cwd=directory, env=environment) as child:
        words = await _awaited(child, guard)
    if child.returncode != 0 or not (directory / FOUND).exists():
        raise TrainingFailed(f"the training process ended with {child.returncode}: {words}")
    return (directory / FOUND).read_text("utf-8")


async def _awaited(child: Process, guard: Callable[[Process], Coroutine[Any, Any, None]]) -> str:
    words = ""
    async with anyio.create_task_group() as group:
        group.start_soon(guard, child)
        try:
            words = await _last_words(child)
            await child.wait()
        finally:
            if child.returncode is None:
                child.kill()
        group.cancel_scope.cancel()
    return words


async def _last_words(child: Process) -> str:
    """Read what the child prints, log it, and return its last line."""
    last = ""
    if child.stderr is not None:
        async for chunk in child.stderr:
            lines = [line for line in chunk.decode("utf-8", "replace").splitlines() if line.strip()]
            last = lines[-1] if lines else last
            logger.debug("trainer", lines=lines)
    return last
