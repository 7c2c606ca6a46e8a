"""Damaged rows: refused with the reason, and what was served before is served."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from coins import LEARNER, Params, Toss
from rig import open_database, running
from served import PAIR, environment, url_of
from wire import Wire

from learners import codec, governing
from learners.errors import Damaged, Refused, StaleRevision
from learners.learner import AnyLearner
from learners.lifecycle import Lifecycle
from learners.registry import catalog
from learners.replay import Rows, asked, log, replay, start
from learners.serving import Caller
from learners.status import status
from learners.telling import Tell
from learners.training_child import hand_over
from learners.training_files import INCUMBENT, Job
from storage import snapshots, versions
from storage.embedded import Dsn

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

CALLER = Caller(project="p", session="s")
SECONDS = 20
SOUND = "revision = 9, sha256 = sha256(params)"
# What can be wrong with a row, how it is brought about, and what is said of it.
HARMS = {
    "bytes": (
        "update versions set params = set_byte(params, 3, 255 - get_byte(params, 3)) "
        "where number = {}",
        "expected SHA-256",
    ),
    "checksum": (
        "update versions set sha256 = set_byte(sha256, 3, 255 - get_byte(sha256, 3)) "
        "where number = {}",
        "expected SHA-256",
    ),
    "length": (
        "update versions set params = 'tea', sha256 = sha256('tea') where number = {}",
        "coins: buffer size must be a multiple of element size",
    ),
    "revision": (
        "update versions set revision = 9 where number = {}",
        "is of revision 9, this program reads 1; a run will make a new one",
    ),
    "absence": ("update versions set params = null where number = {}", "has no params any more"),
}
harms = pytest.mark.parametrize(("harm", "said"), HARMS.values(), ids=list(HARMS))


async def register(lifecycle: Lifecycle, learner: AnyLearner, params: Any) -> None:
    await lifecycle.run(
        partial(
            versions.register,
            learner=learner.name,
            revision=learner.revision,
            candidate="by_mark",
            params=learner.dump(params),
            report={},
            lineage={},
        )
    )


async def promoted(lifecycle: Lifecycle, *chances: float) -> None:
    """Register a version per chance and promote each in turn."""
    for number, chance in enumerate(chances, 1):
        await register(lifecycle, LEARNER, Params(chance, chance))
        await governing.promote(lifecycle, "coins", number, by="test", reason="test")


async def damage(lifecycle: Lifecycle, sql: str) -> None:
    await lifecycle.run(partial(execute, sql=sql))


async def execute(connection: Any, sql: str) -> None:
    await connection.execute(sql)


async def until(lifecycle: Lifecycle, claim: Callable[[], object]) -> None:
    with anyio.fail_after(SECONDS):
        while not claim():
            await lifecycle.stirred(0.05)


def chance(lifecycle: Lifecycle) -> float | None:
    return lifecycle.ask(LEARNER, Toss(coin="a"), CALLER).advice.probability


async def problems(lifecycle: Lifecycle) -> tuple[str, ...]:
    return (await status(lifecycle)).learners[0].problems


@harms
async def test_a_starting_process_serves_what_was_served_before(
    fresh_database: Dsn, harm: str, said: str
) -> None:
    async with running(fresh_database, [LEARNER]) as first:
        await promoted(first, 0.2, 0.8)
        await until(first, lambda: first.live("coins").version == 2)
        await damage(first, harm.format(2))
        assert chance(first) == 0.8  # it has read the version while it was whole
    async with running(fresh_database, [LEARNER]) as later:
        assert (later.live("coins").version, chance(later)) == (1, 0.2)
        (problem,) = await problems(later)
        assert problem.startswith("version 2 of coins")
        assert said in problem
        assert problem.endswith("; version 1 is still served")


@harms
async def test_a_running_process_goes_on_with_what_it_serves(
    fresh_database: Dsn, harm: str, said: str
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await promoted(lifecycle, 0.2)
        await until(lifecycle, lambda: lifecycle.live("coins").version == 1)
        await register(lifecycle, LEARNER, Params(0.8, 0.8))
        await damage(lifecycle, harm.format(2))
        await damage(lifecycle, "update learners set incumbent = 2; notify foresight, 'versions'")
        await until(lifecycle, lambda: lifecycle.live("coins").refused)
        assert (lifecycle.live("coins").version, chance(lifecycle)) == (1, 0.2)
        (problem,) = await problems(lifecycle)
        assert said in problem
        await register(lifecycle, LEARNER, Params(0.6, 0.6))
        await governing.promote(lifecycle, "coins", 3, by="test", reason="test")
        await until(lifecycle, lambda: lifecycle.live("coins").version == 3)
        assert await problems(lifecycle) == ()


async def test_without_a_whole_version_nothing_is_served_and_it_is_said(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as first:
        await promoted(first, 0.2, 0.8)
        for number in (1, 2):
            await damage(first, HARMS["bytes"][0].format(number))
    async with running(fresh_database, [LEARNER]) as later:
        assert (later.live("coins").version, chance(later)) == (None, None)
        (problem,) = await problems(later)
        assert problem.endswith("; no version is served")


async def test_what_was_rolled_back_from_is_not_fallen_back_on(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as first:
        await promoted(first, 0.2, 0.8)
        await governing.roll_back(first, "coins", by="test", reason="worse")
        await register(first, LEARNER, Params(0.6, 0.6))
        await governing.promote(first, "coins", 3, by="test", reason="test")
        await damage(first, HARMS["checksum"][0].format(3))
    async with running(fresh_database, [LEARNER]) as later:
        assert (later.live("coins").version, chance(later)) == (1, 0.2)


async def test_people_cannot_promote_or_roll_back_to_what_is_damaged(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await promoted(lifecycle, 0.2, 0.8)
        await damage(lifecycle, HARMS["bytes"][0].format(1))
        calls: list[Callable[[], Awaitable[object]]] = [
            partial(governing.promote, lifecycle, "coins", 1, by="test", reason="test"),
            partial(governing.roll_back, lifecycle, "coins", by="test", reason="test"),
        ]
        for call in calls:
            with pytest.raises(Damaged, match=r"version 1 .* promote another version, or train"):
                await call()
        await damage(lifecycle, HARMS["revision"][0].format(1).replace("revision = 9", SOUND))
        with pytest.raises(StaleRevision, match="is of revision 9"):
            await governing.promote(lifecycle, "coins", 1, by="test", reason="test")
        (row, *_) = await lifecycle.run(partial(versions.promotions, learner="coins"))
        assert (row["number"], row["previous"]) == (2, 1)  # nothing was written


async def test_promoting_again_what_is_fallen_back_on_makes_it_the_incumbent(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as first:
        await promoted(first, 0.2, 0.8)
        await damage(first, HARMS["bytes"][0].format(2))
    async with running(fresh_database, [LEARNER]) as later:
        was = await governing.promote(later, "coins", 1, by="test", reason="2 is damaged")
        assert was == 2
        await until(later, lambda: not later.live("coins").refused)
        assert await problems(later) == ()


async def test_a_run_is_judged_against_what_is_served_instead(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    job = Job(
        learner="coins", revision=1, seed=0, gate=LEARNER.gate, retrain=LEARNER.retrain
    )  # fmt: skip
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await promoted(lifecycle, 0.2, 0.8)
        await damage(lifecycle, HARMS["length"][0].format(2))
        assert lifecycle.database is not None
        await hand_over(lifecycle.database, LEARNER, job, 2, tmp_path)
    assert LEARNER.load((tmp_path / INCUMBENT).read_bytes()) == Params(0.2, 0.2)


async def test_a_damaged_snapshot_is_replayed_instead(fresh_database: Dsn) -> None:
    forged = start(LEARNER)
    forged.memory.heads, forged.seq = 99.0, 3
    data = codec.freeze(forged)
    async with running(fresh_database, [LEARNER]) as first:
        for _ in range(3):
            tell = Tell(learner="coins", facts={"coin": "a"}, verdict="success")
            await first.tell(tell, CALLER)
        write = partial(
            snapshots.write, learner="coins", revision=1, epoch=1, seq=3, data=data
        )  # fmt: skip
        await first.run(write)
    async with running(fresh_database, [LEARNER]) as whole:
        assert whole.live("coins").fold.memory.heads == 99  # so it is really read
    for harm in (
        "set data = set_byte(data, 9, 255 - get_byte(data, 9))",
        "set sha256 = sha256('tea')",
        "set data = 'tea', sha256 = sha256('tea')",
        "set revision = 9",
    ):
        database = await open_database(fresh_database)
        await database.run(partial(execute, sql=f"update snapshots {harm}"))
        await database.close()
        async with running(fresh_database, [LEARNER]) as later:
            assert later.live("coins").fold.memory.heads == 3, harm


async def test_an_outcome_whose_facts_do_not_fit_its_decision_stops_nobody(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        decisions = [lifecycle.ask(LEARNER, Toss(coin="a"), CALLER) for _ in range(2)]
        names = ["7d8e9f00-0000-4000-8000-000000000001", "7d8e9f00-0000-4000-8000-000000000002"]
        facts: list[dict[str, Any] | None] = [{"colour": "red"}, None]
        for name, each in zip(names, facts, strict=True):
            tell = Tell(decision_id=name, facts=each, verdict="success")
            assert (await lifecycle.tell(tell, CALLER)).effect == "waiting"
        for name, decision in zip(names, decisions, strict=True):
            lifecycle.writer.decide(replace(decision.row, id=name))
        await lifecycle.writer.flush(5)
        assert await lifecycle.join_waiting() == 1
        assert await lifecycle.join_waiting() == 0  # it stays aside
        await until(lifecycle, lambda: lifecycle.live("coins").fold.memory.heads == 1)


def fitted() -> tuple[AnyLearner, Any]:
    """Return the mixin learner and params of its quickest candidate."""
    learner = catalog()["mixin_compatibility"]
    rng = np.random.default_rng(0)
    entries = log([learner.specimen(rng) for _ in range(150)])
    rows = Rows(learner)
    replay(learner, entries, asked(learner, entries), rows.add)
    return learner, learner.candidates["pair_rates"](rows.table(), rng)


async def test_a_server_says_what_it_refuses_in_its_log_and_its_status(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    learner, params = fitted()
    async with running(fresh_database, [learner]) as lifecycle:
        for number in (1, 2):
            await register(lifecycle, learner, params)
            await governing.promote(lifecycle, learner.name, number, by="test", reason="test")
        await damage(lifecycle, HARMS["bytes"][0].format(2))
        write = partial(
            snapshots.write, learner=learner.name, revision=learner.revision, epoch=1, seq=7,
            data=b"tea",
        )  # fmt: skip
        await lifecycle.run(write)

    def served() -> tuple[dict[str, Any], dict[str, Any], str]:
        with Wire(environment(url_of(fresh_database), tmp_path), tmp_path) as wire:
            wire.initialize()
            answer = wire.call("check_mixin_compatibility", **PAIR)
            return answer, wire.call("learning_status"), wire.said()

    answer, state, log = await anyio.to_thread.run_sync(served)
    assert answer["structuredContent"]["version"] == 1
    assert answer["structuredContent"]["source"] == "model"
    lines = state["structuredContent"]["learners"]
    line = next(each for each in lines if each["learner"] == learner.name)
    assert line["incumbent"] == 1
    assert "version 2 of mixin_compatibility: expected SHA-256" in line["problems"][0]
    assert f"problem: {line['problems'][0]}" in state["content"][0]["text"]
    assert "version refused" in log
    assert "snapshot refused" in log


def test_params_damaged_anywhere_are_refused_and_never_crash() -> None:
    learner, params = fitted()
    data, rng = learner.dump(params), np.random.default_rng(3)
    for _ in range(300):
        harmed = bytearray(data)
        for place in rng.integers(len(data), size=int(rng.integers(1, 9))):
            harmed[place] = int(rng.integers(256))
        kept = bytes(harmed[: int(rng.integers(len(data) // 2, len(data) + 1))])
        if kept != data:
            with pytest.raises(Refused):
                learner.load(kept)
