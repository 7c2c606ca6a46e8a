"""What is kept of decisions."""

import time
import uuid
from datetime import timedelta
from functools import partial

import pytest
from rig import open_database

from storage import decisions, log
from storage.embedded import Dsn
from storage.rows import DecisionRow, EventRow

pytestmark = pytest.mark.anyio

DAY = 86400.0


def decision(age: float) -> DecisionRow:
    return DecisionRow(
        id=str(uuid.uuid4()),
        learner="coins",
        query={"coin": "a"},
        answer={},
        predicted=[],
        version=None,
        source="rules",
        memory_seq=0,
        asked=round(time.time() - age, 6),
    )


async def test_old_decisions_go_unless_something_was_told_about_them(fresh_database: Dsn) -> None:
    database = await open_database(fresh_database)
    old, answered, young = decision(100 * DAY), decision(100 * DAY), decision(DAY)
    told = EventRow(
        learner="coins", key="k", outcome={}, known=time.time(), query={"coin": "a"},
        decision_id=answered.id, joined=True,
    )  # fmt: skip
    await database.run(partial(log.append, decisions=[old, answered, young], events=[told]))
    await database.run(partial(decisions.prune, age=timedelta(days=90)))
    left = {str(row["id"]) for row in await database.run(decisions.export_decisions)}
    assert left == {answered.id, young.id}
    assert await database.run(decisions.size) > 0
    await database.close()


async def test_times_come_back_exactly(fresh_database: Dsn) -> None:
    database = await open_database(fresh_database)
    asked = decision(0)
    await database.run(partial(log.append, decisions=[asked], events=[]))
    (row,) = await database.run(partial(decisions.read, decision_id=asked.id))
    assert row["asked"] == asked.asked
    await database.close()
