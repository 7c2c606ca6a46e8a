"""What a process takes up from the database, what it refuses, and what then goes on."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from coins import LEARNER, Params, Toss
from rig import running
from served import url_of

from learners import following, governing
from learners.addressing import REMEMBERED
from learners.errors import (
    InvalidFacts,
    StaleRevision,
    UnknownDecision,
    UnknownVersion,
    WrongInput,
)
from learners.lifecycle import Lifecycle
from learners.registry import catalog
from learners.serving import Caller, Live
from learners.status import card, decision
from learners.telling import Tell
from storage import log, pool, snapshots, versions
from storage.database import Where, open_database
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

CALLER = Caller(project="p", session="s")
PARAMS = LEARNER.dump(Params(plain=0.25, marked=0.75))
MIXINS = catalog()["mixin_compatibility"]


async def told(lifecycle: Lifecycle, *coins: str) -> None:
    for coin in coins:
        await lifecycle.tell(Tell(learner="coins", facts={"coin": coin}, verdict="success"), CALLER)


async def registered(lifecycle: Lifecycle, revision: int = 1) -> int:
    register = partial(
        versions.register, learner="coins", revision=revision, candidate="c", params=PARAMS,
        report={}, lineage={},
    )  # fmt: skip
    number: int = await lifecycle.run(register)
    return number


async def promoted(lifecycle: Lifecycle, number: int) -> None:
    await lifecycle.run(
        partial(versions.promote, learner="coins", number=number, by="me", reason="test")
    )


async def until(lifecycle: Lifecycle, claim: Callable[[], object]) -> None:
    with anyio.fail_after(10):
        while not claim():
            await lifecycle.stirred(0.05)


async def execute(dsn: Dsn, sql: str, *arguments: object) -> None:
    async with pool.connection(pool.embedded(dict(dsn))) as connection:
        await connection.execute(sql, *arguments)


async def test_a_version_of_another_revision_is_refused_and_the_one_before_is_served(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        live = lifecycle.live("coins")
        await promoted(lifecycle, await registered(lifecycle))
        await until(lifecycle, lambda: live.version == 1)
        await promoted(lifecycle, await registered(lifecycle, revision=7))
        await until(lifecycle, lambda: live.refused)
        assert "revision 7, this program reads 1" in live.refused
        await told(lifecycle, "a", "b")  # looks again, and refuses again
        assert (live.version, live.params) == (1, Params(plain=0.25, marked=0.75))


async def test_a_version_without_params_is_refused(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        number = await registered(lifecycle)
        await execute(fresh_database, "update versions set params = null")
        await promoted(lifecycle, number)
        live = lifecycle.live("coins")
        await until(lifecycle, lambda: live.refused)
        assert "version 1 of coins has no params any more" in live.refused


async def test_learners_that_a_program_does_not_have_do_not_disturb_it(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await lifecycle.run(partial(versions.ensure, learner="dice"))
        await told(lifecycle, "a")
        await execute(fresh_database, "update events set learner = 'dice'")
    async with running(fresh_database, [LEARNER]) as restarted:
        await told(restarted, "b")
        assert restarted.live("coins").fold.memory.coins == {"b": [1.0, 0.0]}


async def test_an_event_that_cannot_be_read_is_skipped_and_counted(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await told(lifecycle, "a", "b", "c")
    await execute(
        fresh_database, "update events set query = $1 where query ->> 'coin' = 'b'", {"dice": 6}
    )
    async with running(fresh_database, [LEARNER]) as restarted:
        live = restarted.live("coins")
        assert live.skipped == 1
        assert sorted(live.fold.memory.coins) == ["a", "c"]


async def test_a_snapshot_that_cannot_be_read_is_replaced_by_the_log(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await told(lifecycle, "a", "b")
        write = partial(snapshots.write, learner="coins", revision=1, epoch=1, seq=2, data=b"no")
        await lifecycle.run(write)
    async with running(fresh_database, [LEARNER]) as restarted:
        assert restarted.live("coins").fold.seq == 2
        assert sorted(restarted.live("coins").fold.memory.coins) == ["a", "b"]


async def test_a_new_epoch_starts_the_memory_anew_from_the_log(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await told(lifecycle, "a", "b")
        await execute(fresh_database, "delete from events where query ->> 'coin' = 'a'")
        await execute(fresh_database, "update learners set epoch = epoch + 1")
        await execute(fresh_database, "notify foresight, 'epoch'")
        live = lifecycle.live("coins")
        await until(lifecycle, lambda: sorted(live.fold.memory.coins) == ["b"])


async def test_what_is_added_to_a_catalogue_reaches_every_process(fresh_database: Dsn) -> None:
    async with (
        running(fresh_database, [MIXINS]) as here,
        running(fresh_database, [MIXINS]) as there,
    ):
        entry = {"name": "MixinTea", "category": "business"}
        await governing.add_to_catalogue(here, MIXINS.name, entry)
        live = there.live(MIXINS.name)
        await until(there, lambda: live.added)
        assert live.added[0]["name"] == "MixinTea"
        assert live.learner is not live.base
    async with running(fresh_database, [MIXINS]) as restarted:
        assert len(restarted.live(MIXINS.name).added) == 1


async def test_a_learner_without_a_catalogue_says_so(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        with pytest.raises(InvalidFacts, match="coins has no catalogue to add to"):
            await governing.add_to_catalogue(lifecycle, "coins", {"name": "x"})
    live = Live(LEARNER)
    live.extend(({"name": "x"},))
    assert (live.learner, live.added) == (LEARNER, ())


async def test_promoting_names_what_there_is_and_refuses_what_is_stale(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await registered(lifecycle)
        await registered(lifecycle, revision=7)
        serve = partial(governing.promote, lifecycle, "coins", by="me", reason="test")
        with pytest.raises(UnknownVersion, match="expected one of 2, 1; got 9"):
            await serve(9)
        with pytest.raises(
            StaleRevision, match="2 of coins is of revision 7, this program reads 1"
        ):
            await serve(2)
        assert await serve(1) is None
        assert await serve(1) == 1


async def test_what_is_looked_for_and_not_there_is_named(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER, replace(LEARNER, name="dice")]) as lifecycle:
        with pytest.raises(UnknownVersion, match="version: expected one of none yet; got 3"):
            await card(lifecycle, "coins", 3)
        with pytest.raises(UnknownDecision, match="ids are returned with answers"):
            await decision(lifecycle, "0" * 32)
        asked = lifecycle.ask(LEARNER, Toss(coin="a"), CALLER)
        wrong = Tell(learner="dice", decision_id=asked.id, verdict="success")
        with pytest.raises(WrongInput, match="learner: this decision is of coins; got 'dice'"):
            await lifecycle.tell(wrong, CALLER)


async def test_a_decision_older_than_what_is_remembered_is_found_in_the_database(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        first = lifecycle.ask(LEARNER, Toss(coin="a"), CALLER)
        assert await lifecycle.writer.flush(10)
        for _ in range(REMEMBERED):
            lifecycle.ask(LEARNER, Toss(coin="b"), CALLER)
        told_of = await lifecycle.tell(Tell(decision_id=first.id, verdict="success"), CALLER)
        assert (told_of.effect, told_of.joined) == ("join", True)


async def test_behind_a_pooler_polling_finds_what_others_wrote(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    where = Where(directory=tmp_path, url=url_of(fresh_database), pooler=True)
    lifecycle = Lifecycle({"coins": Live(LEARNER)})
    async with running(fresh_database, [LEARNER]) as other, anyio.create_task_group() as group:
        group.start_soon(following.follow, lifecycle, lambda: open_database(where))
        assert await lifecycle.ready(10)
        await told(other, "a")
        await until(lifecycle, lambda: lifecycle.seq == 1)
        group.cancel_scope.cancel()
    assert lifecycle.live("coins").fold.memory.coins == {"a": [1.0, 0.0]}


async def test_a_lost_connection_is_noticed_and_what_was_missed_is_folded(
    fresh_database: Dsn,
) -> None:
    async with (
        running(fresh_database, [LEARNER]) as here,
        running(fresh_database, [LEARNER]) as there,
    ):
        await told(here, "a")
        await execute(
            fresh_database,
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()",
        )
        await told(here, "b")
        await until(there, lambda: there.seq == 2)
        rows = await here.run(partial(log.since, seq=0, limit=10, learner="coins"))
        assert len(rows) == 2
