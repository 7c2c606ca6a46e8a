"""The buffer before the database: what it keeps, what it drops, and whom it tells."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio
import pytest
from rig import open_database

from storage import decisions, log
from storage.database import Database
from storage.embedded import Dsn
from storage.errors import Refused, StorageError, Unavailable, WrongDatabase
from storage.rows import DecisionRow, EventRow, Stored
from storage.writer import MOST_DECISIONS, MOST_WAITING, Writer

pytestmark = pytest.mark.anyio

ASKED = DecisionRow(
    id="00000000-0000-4000-8000-000000000000", learner="coins", query={"coin": "a"}, answer={},
    predicted=[], version=None, source="rules", memory_seq=0, asked=1e9,
)  # fmt: skip
TOLD = EventRow(learner="coins", key="k", outcome={"heads": 1}, known=1e9, query={"coin": "a"})


def to(database: Database) -> Writer:
    """A writer that appends as a process does."""

    async def append(asks: Sequence[DecisionRow], tells: Sequence[EventRow]) -> list[Stored]:
        return await database.run(partial(log.append, decisions=asks, events=tells))

    return Writer(append)


async def test_the_oldest_asks_are_dropped_and_counted_when_nothing_can_be_written() -> None:
    async def away(_asks: object, _tells: object) -> list[Stored]:
        raise StorageError("away")

    writer = Writer(away)
    for _ in range(MOST_DECISIONS + 3):
        writer.decide(ASKED)
    assert writer.dropped == 3


async def test_a_caller_that_gives_up_hears_why_and_its_outcome_is_not_written_later(
    fresh_database: Dsn,
) -> None:
    database = await open_database(fresh_database)
    writer = to(database)
    with pytest.raises(Unavailable, match=r"did not confirm within 0\.1 s"):
        await writer.tell([TOLD], 0.1)  # nobody writes yet
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run)
        assert await writer.flush(10)
        group.cancel_scope.cancel()
    assert await database.run(decisions.export_outcomes) == []
    await database.close()


async def test_a_caller_hears_what_went_wrong_and_what_is_good_is_written_later(
    fresh_database: Dsn,
) -> None:
    database = await open_database(fresh_database)
    writer = to(database)
    wrong = replace(TOLD, strength=7.0)  # the database takes nothing above 1
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run)
        with pytest.raises(Refused, match="to repeat them will not help") as caught:
            await writer.tell([wrong], 5)
        assert "strength" in str(caught.value.__cause__)
        (stored,) = await writer.tell([TOLD], 5)
        assert stored.effect == "fact"
        group.cancel_scope.cancel()
    await database.close()


async def test_no_more_callers_wait_than_can_be_served_soon() -> None:
    async def never(_asks: object, _tells: object) -> list[Stored]:
        await anyio.sleep_forever()
        raise AssertionError

    writer = Writer(never)
    refused = list[str]()

    async def tell() -> None:
        try:
            await writer.tell([TOLD], 3600)
        except Unavailable as error:
            refused.append(str(error))

    async with anyio.create_task_group() as group:
        for _ in range(MOST_WAITING + 2):
            group.start_soon(tell)
        with anyio.fail_after(20):
            while len(refused) < 2:
                await anyio.sleep(0)
        group.cancel_scope.cancel()
    assert refused == [f"{MOST_WAITING} outcomes are waiting to be written"] * 2


async def heard(failures: Sequence[Exception], deadline: float) -> list[Stored]:
    """Tell while appending fails in these ways, one after another, and then succeeds."""
    left = list(failures)

    async def append(_asks: object, tells: Sequence[EventRow]) -> list[Stored]:
        if left:
            raise left.pop(0)
        return [Stored("fact", 1) for _ in tells]

    writer, found = Writer(append), list[Stored]()
    async with anyio.create_task_group() as group:
        group.start_soon(writer.run)
        writer.decide(ASKED)
        try:
            found = await writer.tell([TOLD], deadline)
        finally:
            group.cancel_scope.cancel()
    return found


async def test_a_caller_waits_while_the_database_is_away_and_is_then_served() -> None:
    assert await heard([Unavailable("away"), Unavailable("away")], 20) == [Stored("fact", 1)]


async def test_a_caller_that_has_waited_long_enough_hears_the_reason() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await heard([Unavailable("the disk is full")] * 100, 0.3)
    assert caught.group_contains(Unavailable, match="the disk is full")


async def test_what_waiting_will_not_mend_is_said_at_once() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await heard([WrongDatabase("restart")], 3600)
    assert caught.group_contains(WrongDatabase, match="restart")


async def test_decisions_wait_where_the_database_goes_away_while_rows_are_written_apart() -> None:
    failures = [ValueError("odd"), Unavailable("away"), Unavailable("away")]
    with pytest.raises(ExceptionGroup) as caught:
        await heard(failures, 20)
    assert caught.group_contains(Unavailable, match="away")
