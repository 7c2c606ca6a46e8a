"""Reads versions that may be served; where the incumbent is damaged, what was served before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import to_thread

from learners.errors import Damaged, Refused, StaleRevision
from learners.learner import AnyLearner
from storage import errors, versions

Run = Callable[..., Awaitable[Any]]  # of a database or a lifecycle


@dataclass(frozen=True, slots=True)
class Version:
    """Params that were read and found whole; number None is no version."""

    number: int | None = None
    data: bytes = b""
    params: Any = None


async def read(run: Run, learner: AnyLearner, number: int) -> Version:
    """Return a version, ready to be served.

    Raises:
        Refused: Its row is damaged or of another revision; the text says which.
    """
    name = f"version {number} of {learner.name}"
    try:
        row = await run(partial(versions.read, learner=learner.name, number=number))
    except errors.Damaged as error:
        raise Damaged(str(error)) from None
    if row is None or row["params"] is None:
        raise Damaged(f"{name} has no params any more")
    if row["revision"] != learner.revision:
        raise StaleRevision(
            f"{name} is of revision {row['revision']}, this program reads {learner.revision}; "
            "a run will make a new one"
        )
    data = bytes(row["params"])
    try:
        return Version(number, data, await to_thread.run_sync(learner.load, data))
    except Refused as error:
        raise type(error)(f"{name}: {error}") from None


async def before(run: Run, learner: AnyLearner, number: int) -> Version:
    """Return the newest whole version that was served before one was first promoted.

    The first promotion counts: what was rolled back from is never served again by itself.
    """
    found = await run(partial(versions.promotions, learner=learner.name, limit=None))
    replaced: dict[int | None, int | None] = {}
    for promotion in found:  # newest first, so the first promotion of each number stays
        replaced[promotion["number"]] = promotion["previous"]
    earlier, seen = replaced.get(number), {number}
    while earlier is not None and earlier not in seen:
        seen.add(earlier)
        try:
            return await read(run, learner, earlier)
        except Refused:
            earlier = replaced.get(earlier)
    return Version()


async def usable(run: Run, learner: AnyLearner, incumbent: int | None) -> Version:
    """Return the incumbent or, where it is refused, what was served before it."""
    if incumbent is None:
        return Version()
    try:
        return await read(run, learner, incumbent)
    except Refused:
        return await before(run, learner, incumbent)
