"""`foresight db upgrade`: what was told, its order and the advice are the same after it."""

from pathlib import Path
from typing import Any

import pytest
from served import PAIR, environment, foresight

from server.app import foresight as opened
from server.settings import load
from storage.binaries import find
from storage.errors import StorageError

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
LEARNER = "mixin_compatibility"
OLD, NEW = 16, 18


def programs(major: int) -> Path:
    """The programs of a major version, or the reason why there is no test."""
    try:
        return find(major=major).directory
    except StorageError:
        pytest.skip(f"the programs of PostgreSQL {major} are not installed")


async def stored(data: Path, pg_bin: Path | None = None) -> tuple[list[Any], Any]:
    """Everything told, in order, and an answer from it."""
    async with opened(load(data_dir=data, project="here", pg_bin=pg_bin)) as verbs:
        answer = await verbs.call("check_mixin_compatibility", **PAIR)
        events = await verbs.lifecycle.run(
            lambda connection: connection.fetch("select * from events order by seq")
        )
    told = answer.model_dump(exclude={"decision_id"})
    return [dict(event.items()) for event in events], told


async def test_what_was_told_and_the_advice_are_the_same_after_it(own_data: Path) -> None:
    old, new = programs(OLD), programs(NEW)
    env = environment("", own_data, FORESIGHT_PG_BIN=str(new))
    async with opened(load(data_dir=own_data, project="here", pg_bin=old)) as verbs:
        for number in range(8):
            outcome = "failure" if number % 4 else "success"
            await verbs.record_feedback(outcome, learner=LEARNER, facts=PAIR, key=f"k{number}")
        busy = foresight(env, "db", "upgrade")
        assert (busy.returncode, busy.stdout) == (1, "")
        assert "Other processes use the database" in busy.stderr
    before = await stored(own_data, old)
    assert (before[1]["source"], before[1]["n"]) == ("observed", 8)

    refused = foresight(env, "doctor")
    assert refused.returncode == 1
    assert "`foresight db upgrade` brings the data to 18" in refused.stdout

    done = foresight(env, "db", "upgrade")
    assert done.returncode == 0, done.stderr
    assert "The data is of PostgreSQL 18 now, before of 16.\nIt opens, with 8 outcomes." in (
        done.stdout
    )
    assert await stored(own_data) == before
    async with opened(load(data_dir=own_data, project="here")) as verbs:
        await verbs.record_feedback("failure", learner=LEARNER, facts=PAIR, key="later")
        assert verbs.lifecycle.seq == before[0][-1]["seq"] + 1

    removed = foresight(env, "db", "upgrade", "--remove-old")
    assert removed.returncode == 0, removed.stderr
    assert "no newer one is installed.\nIt opens, with 9 outcomes.\nDeleted the old data" in (
        removed.stdout
    )
    assert sorted(path.name for path in (own_data / "postgres").glob("data*")) == ["data"]


def test_a_server_that_is_not_ours_is_not_upgraded(tmp_path: Path) -> None:
    done = foresight(environment("postgresql://x@localhost/y", tmp_path), "db", "upgrade")
    assert done.returncode == 2
    assert done.stderr.startswith("foresight: FORESIGHT_DATABASE_URL names a server that is not")
