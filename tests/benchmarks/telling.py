"""What telling costs: through the writer beside a bare group commit, and over MCP."""

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import anyio
from served import PAIR

from storage import log
from storage.database import Database, Where, open_database
from storage.rows import EventRow
from storage.writer import Writer
from tests.benchmarks.measure import Measure
from tests.benchmarks.processes import floor, home, pair, rate, server

CALLERS, PER_CALLER = 64, 400
BATCH = 500
BARE = """

create table if not exists bare (learner text, key text, outcome jsonb, primary key (learner, key))
"""
INSERT = """
insert into bare select learner, key, outcome
from jsonb_to_recordset($1::jsonb) as t(learner text, key text, outcome jsonb)
"""
Tell = Callable[[], Coroutine[Any, Any, object]]


def writer(directory: Path) -> Iterator[Measure]:
    """Tell through the writer from 64 callers, with synchronous commit; beside it a bare one."""
    with home(directory):
        mine, floors = anyio.run(_rates, directory)
    detail = f"{mine:.0f}/s beside {floors:.0f}/s of a bare group commit"
    yield Measure(
        name="outcomes through the writer, 64 callers",
        value=mine, unit="/s", goal=10_000, least=True, detail=detail,
    )  # fmt: skip
    yield Measure(
        name="the same beside a bare group commit",
        value=mine / floors, unit="x", goal=0.8, least=True, detail="either goal will do",
    )  # fmt: skip


async def _rates(directory: Path) -> tuple[float, float]:
    database = await open_database(Where(directory=directory / "postgres"))
    try:
        await database.run(lambda connection: connection.execute(BARE))
        mine, floors = list[float](), list[float]()
        for _ in range(3):
            mine.append(await _ours(database))
            floors.append(await _bare(database))
        return median(mine), median(floors)
    finally:
        await database.close()


async def _ours(database: Database) -> float:
    writer = Writer(
        lambda asked, told: database.run(partial(log.append, decisions=asked, events=told))
    )
    return await _beside(writer.run, lambda: writer.tell([_row()], 30))


async def _bare(database: Database) -> float:
    """Commit whatever has come in, again and again: nothing is checked, numbered or announced."""
    waiting = deque[tuple[dict[str, Any], anyio.Event]]()
    came = anyio.Event()

    async def tell() -> None:
        done = anyio.Event()
        waiting.append((_row().record(), done))
        came.set()
        await done.wait()

    async def write() -> None:
        nonlocal came
        while True:
            await came.wait()
            came = anyio.Event()
            while waiting:
                batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
                await _insert(database, [record for record, _ in batch])
                for _, done in batch:
                    done.set()

    return await _beside(write, tell)


async def _insert(database: Database, records: Sequence[dict[str, Any]]) -> None:
    await database.run(lambda connection: connection.execute(INSERT, records))


async def _beside(run: Tell, tell: Tell) -> float:
    rate = 0.0
    async with anyio.create_task_group() as group:
        group.start_soon(run)
        rate = await _race(tell)
        group.cancel_scope.cancel()
    return rate


async def _race(tell: Tell) -> float:
    async def caller() -> None:
        for _ in range(PER_CALLER):
            await tell()

    start = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(CALLERS):
            group.start_soon(caller)
    return CALLERS * PER_CALLER / (time.perf_counter() - start)


def _row() -> EventRow:
    return EventRow(
        learner="mixin_compatibility",
        key=uuid.uuid4().hex,
        query=json.loads(json.dumps({**PAIR, "project": "here"})),
        outcome={"success": 1, "failure": 0},
        known=time.time(),
    )


def over_mcp(directory: Path) -> Iterator[Measure]:
    """Tell over stdio with 32 calls in flight, beside an empty tool."""

    def told(i: int) -> dict[str, Any]:
        facts = pair(i)
        return {"outcome": "success", "learner": "mixin_compatibility", "facts": facts}

    with home(directory) as env, server(env, directory) as ours, floor(env, directory) as constant:
        mine, floors = list[float](), list[float]()
        for _ in range(5):
            mine.append(rate(ours, "record_feedback", told, 1500))
            floors.append(rate(constant, "empty", lambda _: {}, 1500))
    yield Measure(
        name="record_feedback over stdio, 32 in flight: rate beside an empty tool",
        value=median(mine) / median(floors), unit="x", goal=0.6, least=True,
        detail=f"{median(mine):.0f}/s beside {median(floors):.0f}/s",
    )  # fmt: skip
