"""The background loop over real PostgreSQL with a real training child."""

import os
import signal
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from rig import running, trainers

from learners import governing, requests, worker
from learners.errors import Damaged, NotReproducible, UnknownVersion
from learners.learner import AnyLearner
from learners.lifecycle import Lifecycle
from learners.registry import catalog
from learners.reproducing import reproduce
from learners.serving import Caller
from learners.status import card, status
from learners.telling import Tell
from learners.training_child import PREFIX, workplace
from storage import erasures, runs, versions
from storage.database import Database
from storage.embedded import Dsn
from storage.erasures import Scope

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

CALLER = Caller(project="p", session="s")
NAMES = [
    "MixinCaching", "MixinLogging", "MixinMetrics", "MixinHealthCheck", "MixinEventBus",
    "MixinRetry", "MixinCircuitBreaker", "MixinTimeout", "MixinRateLimiter", "MixinValidation",
    "MixinSecurity", "MixinAuthorization", "MixinAudit", "MixinTransaction", "MixinConnection",
    "MixinRepository",
]  # fmt: skip
BAD = {"MixinTransaction", "MixinConnection", "MixinRepository", "MixinCaching"}


def mixins() -> AnyLearner:
    return catalog()["mixin_compatibility"]


def tells(n: int, seed: int) -> list[tuple[Tell, Caller]]:
    """Outcomes of 60 pairs; those of two mixins that keep state fail."""
    rng = np.random.default_rng(seed)
    pairs = [(a, b) for i, a in enumerate(NAMES) for b in NAMES[i + 1 :]]
    pairs = [pairs[i] for i in rng.permutation(len(pairs))[:60]]
    told = list[tuple[Tell, Caller]]()
    for i in range(n):
        a, b = pairs[i % len(pairs)]
        bad = len({a, b} & BAD) >= 1
        told.append(
            (
                Tell(
                    learner="mixin_compatibility",
                    facts={"mixins": [a, b], "node_type": "EFFECT"},
                    verdict="failure" if bad else "success",
                ),
                CALLER,
            )
        )
    return told


async def ended(lifecycle: Lifecycle, count: int, seconds: float = 90) -> list[str]:
    """Wait until so many runs have ended; return their results, oldest first."""
    assert lifecycle.database is not None
    with anyio.fail_after(seconds):
        while True:
            rows = await lifecycle.database.run(
                partial(runs.history, learner="mixin_compatibility", limit=20)
            )
            results = [row["result"] for row in reversed(rows) if row["result"] != "running"]
            if len(results) >= count:
                return results
            await lifecycle.stirred(0.2)


async def test_a_run_is_triggered_judged_promoted_and_served_by_every_process(
    fresh_database: Dsn,
) -> None:
    async with (
        running(fresh_database, [mixins()], train=True) as here,
        running(fresh_database, [mixins()]) as there,
    ):
        await here.tell_all(tells(240, 0))
        assert (await ended(here, 1))[0] == "promoted"
        with anyio.fail_after(10):
            for each in (here, there):
                while each.live("mixin_compatibility").version != 1:
                    await each.stirred(0.1)
        state = await status(here, "mixin_compatibility")
        assert state.learners[0].incumbent == 1
        assert state.learners[0].last_run is not None
        assert "log_loss" in state.learners[0].last_run.reason
        shown = await card(here, "mixin_compatibility")
        assert set(shown["report"]["metrics"]) >= {"pair_rates", "the best constant"}
        before, after = await governing.roll_back(
            here, "mixin_compatibility", by="test", reason="test"
        )
        assert (before, after) == (1, None)
        with anyio.fail_after(10):
            while there.live("mixin_compatibility").version is not None:
                await there.stirred(0.1)
    async with running(fresh_database, [mixins()]) as restarted:
        assert restarted.live("mixin_compatibility").fold.seq == 240
        await made_again(restarted)


async def made_again(lifecycle: Lifecycle) -> None:
    """The version predicts the same; a changed row is noticed, a forgotten one is named."""
    database = lifecycle.database
    assert database is not None
    same = await reproduce(database, mixins(), 1)
    # Its bytes may differ in a last bit: sums depend on where the memory of a process lies.
    assert same.difference < 1e-12
    assert same.warnings == ()
    assert (same.events, same.same) == (240, True)
    await lifecycle.run(turn_around)
    changed = await reproduce(database, mixins(), 1)
    assert (changed.unchanged, changed.same) == (False, False)
    assert "at least one was changed" in changed.warnings[0]
    since = datetime.fromtimestamp(0, UTC)
    erase = partial(erasures.erase, scope=Scope(since=since), key=uuid.uuid4(), by="test")
    assert (await lifecycle.run(erase)).shares[0].versions == [1]
    with pytest.raises(NotReproducible, match="were forgotten since"):
        await reproduce(database, mixins(), 1)
    with pytest.raises(UnknownVersion, match="expected one of 1; got 2"):
        await reproduce(database, mixins(), 2)


async def turn_around(connection: Any) -> None:
    """Let one outcome say the opposite."""
    await connection.execute(
        "update events set outcome = outcome || jsonb_build_object("
        "'success', outcome -> 'failure', 'failure', outcome -> 'success') where seq = 100"
    )


async def test_a_requested_run_without_enough_data_is_skipped_with_the_missing_number(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [mixins()], train=True) as lifecycle:
        await lifecycle.tell_all(tells(30, 0))
        await lifecycle.request("mixin_compatibility", "by hand", manual=True)
        assert await ended(lifecycle, 1) == ["skipped"]
        state = await status(lifecycle)
        assert state.learners[0].last_run is not None
        assert "of 50" in state.learners[0].last_run.reason


async def test_the_nightly_run_is_noticed_within_a_minute_and_comes_once(
    fresh_database: Dsn,
) -> None:
    policy = replace(mixins().retrain, nightly=2, outcomes=10_000)
    async with running(fresh_database, [replace(mixins(), retrain=policy)], train=True) as here:
        await here.run(partial(judged, outcomes=29, ago="0 s"))
        await here.tell_all(tells(30, 0))
        state = (await status(here)).learners[0]
        assert state.next_run == (
            "1 of 15 new outcomes since the last run, or the nightly run of 02:00"
        )
        assert len(await here.run(partial(runs.history, learner=None, limit=9))) == 1
        await here.run(partial(judged, outcomes=29, ago="26 h"))  # as if a night had gone by
        with anyio.fail_after(60):
            assert await ended(here, 2) == ["rejected", "skipped"]
        newest, _ = await here.run(partial(runs.history, learner=None, limit=9))
        assert newest["trigger"] == "the nightly run of 02:00"
        assert not (await worker.due(here.live("mixin_compatibility"), database_of(here))).now


def database_of(lifecycle: Lifecycle) -> Database:
    assert lifecycle.database is not None
    return lifecycle.database


async def judged(connection: Any, outcomes: int, ago: str) -> None:
    """Write down that a run looked at so many outcomes, so long ago; there is only this one."""
    await connection.execute("delete from runs")
    await connection.execute(
        "insert into runs (learner, result, reason, trigger, revision, outcomes, finished_at) "
        f"values ('mixin_compatibility', 'rejected', '', '', {mixins().revision}, {outcomes}, "
        f"now() - interval '{ago}')"
    )


async def test_two_workers_never_train_one_learner_at_once(fresh_database: Dsn) -> None:
    async with (
        running(fresh_database, [mixins()], train=True) as here,
        running(fresh_database, [mixins()], train=True) as there,
    ):
        await here.tell_all(tells(30, 0))
        for lifecycle in (here, there, here):
            await lifecycle.request("mixin_compatibility", "by hand", manual=True)
        await ended(here, 1)
        rows = await here.run(partial(runs.history, learner=None, limit=20))
        spans = sorted(
            (row["started_at"], row["finished_at"]) for row in rows if row["finished_at"]
        )
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))


async def test_a_killed_trainer_is_a_failed_run_and_the_next_attempt_succeeds(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [mixins()], train=True) as lifecycle:
        await lifecycle.tell_all(tells(30, 0))
        await lifecycle.request("mixin_compatibility", "by hand", manual=True)
        with anyio.fail_after(30):
            while not (children := trainers()):
                await anyio.sleep(0)
        os.kill(children[0], signal.SIGKILL)
        results = await ended(lifecycle, 2)
        assert results == ["failed", "skipped"]


async def test_a_request_made_while_the_last_attempt_fails_is_not_given_up_with_it(
    fresh_database: Dsn,
) -> None:
    options = worker.Options(attempts=1, memory_mb=1)  # too little for any child
    async with (
        running(fresh_database, [mixins()]) as lifecycle,
        anyio.create_task_group() as group,
    ):
        first = await lifecycle.request("mixin_compatibility", "by hand", manual=True)
        group.start_soon(partial(worker.work, lifecycle, options=options))
        with anyio.fail_after(30):
            while not trainers():
                await anyio.sleep(0)
        second = await lifecycle.request("mixin_compatibility", "by hand", manual=True)
        assert await ended(lifecycle, 2) == ["failed", "failed"]
        group.cancel_scope.cancel()
        found = [
            await requests.find(lifecycle, "mixin_compatibility", each) for each in (first, second)
        ]
        assert [each and each.result for each in found] == ["failed", "failed"]
        assert found[0] != found[1]


async def test_damaged_params_are_refused_and_what_was_served_goes_on(fresh_database: Dsn) -> None:
    async with running(fresh_database, [mixins()], train=True) as lifecycle:
        await lifecycle.tell_all(tells(240, 0))
        assert (await ended(lifecycle, 1))[0] == "promoted"
        live = lifecycle.live("mixin_compatibility")
        with anyio.fail_after(10):
            while live.version != 1:
                await lifecycle.stirred(0.1)
        assert lifecycle.database is not None
        await lifecycle.database.run(copy_damaged)
        with pytest.raises(Damaged, match="version 2 of mixin_compatibility: expected SHA-256"):
            await governing.promote(lifecycle, "mixin_compatibility", 2, by="test", reason="test")
        promote = partial(
            versions.promote, learner="mixin_compatibility", number=2, by="test", reason="test"
        )
        await lifecycle.run(promote)  # as if it had been damaged later
        with anyio.fail_after(10):
            while not live.refused:
                await lifecycle.stirred(0.1)
        assert "SHA-256" in live.refused
        assert live.version == 1


async def copy_damaged(connection: Any) -> None:
    row = await connection.fetchrow("select * from versions where number = 1")
    await versions.register(
        connection, "mixin_compatibility", revision=row["revision"], candidate="x",
        params=row["params"], report={}, lineage={},
    )  # fmt: skip
    await connection.execute(
        "update versions set params = set_byte(params, 40, 255 - get_byte(params, 40)) "
        "where number = 2"
    )


async def test_a_clock_that_is_set_back_or_forward_leaves_no_lease_behind(
    fresh_database: Dsn,
) -> None:
    name, lease = "mixin_compatibility", timedelta(seconds=30)
    async with running(fresh_database, [mixins()]) as lifecycle:
        await lifecycle.request(name, "by hand", manual=True)
        claim = partial(runs.claim, learner=name, owner="a", lease=lease)

        async def until(connection: Any, *, there: str) -> None:
            await connection.execute(f"update learners set lease_until = now() + '{there}'")

        first = await lifecycle.run(claim)
        assert first is not None
        assert await lifecycle.run(claim) is None  # it is held
        await lifecycle.run(partial(until, there="-1 day"))  # forward: nobody else has taken it
        assert await lifecycle.run(partial(runs.beat, learner=name, token=first[0], lease=lease))
        await lifecycle.run(partial(until, there="1 day"))  # back: its owner may be long gone
        second = await lifecycle.run(claim)
        assert second is not None
        beat = partial(runs.beat, learner=name, token=first[0], lease=lease)
        assert not await lifecycle.run(beat)


def test_what_a_killed_training_left_is_deleted_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    with workplace() as first:
        assert not left.exists()
        with workplace() as second:
            assert sorted(tmp_path.iterdir()) == sorted([first, second])  # the first is in use
    assert not list(tmp_path.iterdir())


async def test_a_lost_lease_writes_nothing(fresh_database: Dsn) -> None:
    async with running(fresh_database, [mixins()]) as lifecycle:
        await lifecycle.request("mixin_compatibility", "by hand", manual=True)
        first = await lifecycle.run(
            partial(runs.claim, learner="mixin_compatibility", owner="a", lease=timedelta(0))
        )
        second = await lifecycle.run(
            partial(runs.claim, learner="mixin_compatibility", owner="b", lease=timedelta(60))
        )
        assert first is not None
        assert second is not None
        lost = await lifecycle.run(
            partial(runs.finish, learner="mixin_compatibility", token=first[0], generation=1)
        )
        won = await lifecycle.run(
            partial(runs.finish, learner="mixin_compatibility", token=second[0], generation=1)
        )
        assert (lost, won) == (False, True)
    assert worker.Options().keep == 10
