"""How attempts at training end when something is missing, changes or is lost on the way."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from coins import LEARNER, Fell, Toss
from rig import running

from learners import codec, governing, worker
from learners.errors import TooFewExamples
from learners.evaluation import backtest
from learners.judging import decide
from learners.learner import Event, Example, Gate, Retrain, Table
from learners.lifecycle import Lifecycle
from learners.numerics.scoring import LOG_LOSS
from learners.registry import catalog
from learners.replay import Asked, Entry, Rows, asked, log, replay, start
from learners.serving import Caller
from learners.telling import Tell
from learners.training import cross_validated, train
from learners.training_files import EVENTS, JOB, Job
from storage import runs, versions
from storage.embedded import Dsn

MIXINS = catalog()["mixin_compatibility"]
NAME = MIXINS.name
CALLER = Caller(project="p", session="s")


def history(n: int) -> list[Example[Toss, Fell]]:
    rng = np.random.default_rng(0)
    return [replace(LEARNER.specimen(rng), asked=float(i), known=i + 0.5) for i in range(n)]


def table(n: int) -> Table:
    entries = log(history(n))
    rows = Rows(LEARNER)
    replay(LEARNER, entries, asked(LEARNER, entries), rows.add)
    return rows.table()


def attempt(**changes: Any) -> Any:
    return train(replace(LEARNER, **changes), log(history(120)), None, np.random.default_rng(0))


def too_few(_table: Table, _rng: np.random.Generator) -> Any:
    raise TooFewExamples("120 of 1000 rows")


def test_too_few_outcomes_are_skipped_with_the_number_at_which_to_look_again() -> None:
    result = attempt(retrain=Retrain(minimum_outcomes=500, minimum_distinct=1))
    assert (result.result, result.missing) == ("skipped", 500)
    assert result.reason == "120 of 500 outcomes, 380 missing"


def test_too_few_groups_to_judge_are_skipped() -> None:
    result = attempt(gate=Gate(groups=1000))
    assert result.result == "skipped"
    assert "of 1000 held-out groups" in result.reason
    assert result.missing == 240  # at most twice what there is


def test_a_gate_without_enough_groups_admits_nothing() -> None:
    rows = table(40)
    p = np.full(len(rows), 0.5)
    verdict = decide(Gate(groups=1000), LOG_LOSS, rows, p, {"it": p}, 1, np.random.default_rng(0))
    assert not verdict.admitted
    assert verdict.reason.endswith("of 1000 held-out groups")


def test_when_no_candidate_can_be_fitted_the_run_is_skipped_and_says_why() -> None:
    result = attempt(candidates={"one": too_few, "other": too_few}, gate=Gate(groups=5))
    assert result.result == "skipped"
    assert result.reason == "one: 120 of 1000 rows; other: 120 of 1000 rows"


def test_fewer_groups_than_folds_have_no_cross_validation() -> None:
    rows = table(60)
    few = rows.take(np.flatnonzero(np.array(rows.group) == rows.group[0]))
    rng = np.random.default_rng(0)
    assert cross_validated(LEARNER, few, "by_mark", rng) == ()
    assert len(cross_validated(LEARNER, rows, "by_mark", rng)) == 5


def test_a_clock_that_goes_backwards_does_not_take_known_time_with_it() -> None:
    fold = start(LEARNER)
    for seq, known in enumerate((100.0, 40.0, 101.0), 1):
        example = history(1)[0]
        event = Event(
            seq=seq, query=example.query, outcome=example.outcome, known=known, asked=known
        )
        fold.observe(Entry(event=event))
        assert fold.known == max(100.0, known)


def test_a_question_after_the_last_event_sees_everything() -> None:
    examples = history(9)
    late = Asked(example=examples[0], labels=(), group="", position=9, settled=9)
    seen = list[float]()
    replay(LEARNER, log(examples), [late], lambda memory, _: seen.append(memory.heads))
    assert seen == [sum(each.outcome.heads for each in examples)]


def test_a_backtest_of_nothing_labelled_says_so() -> None:
    nothing = [replace(each, outcome=Fell()) for each in history(3)]
    with pytest.raises(ValueError, match="expected at least one with a label, got none"):
        backtest(LEARNER, nothing, np.random.default_rng(0))


def handed(directory: Path, revision: int = MIXINS.revision) -> None:
    """Write what a training child reads: nothing told yet."""
    job = Job(learner=NAME, revision=revision, seed=0, gate=MIXINS.gate, retrain=MIXINS.retrain)
    (directory / EVENTS).touch()
    (directory / JOB).write_text(job.model_dump_json(), "utf-8")


def child(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "learners.trainer", str(directory)]
    reader, writer = os.pipe()  # the parent's end stays open, as a parent's does
    try:
        return subprocess.run(command, stdin=reader, capture_output=True, text=True, check=False)
    finally:
        os.close(reader)
        os.close(writer)


def test_a_child_refuses_a_job_of_another_revision(tmp_path: Path) -> None:
    handed(tmp_path, revision=77)
    done = child(tmp_path)
    assert done.returncode == 1
    assert f"expected revision 77 of {NAME}, got {MIXINS.revision}" in done.stderr


def test_a_child_without_a_memory_limit_says_what_it_found_in_files(tmp_path: Path) -> None:
    handed(tmp_path)
    done = child(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert '"result":"skipped"' in (tmp_path / "found.json").read_text("utf-8")


@cache
def pair_rates() -> bytes:
    """Params of a real candidate, the one that is quickly fitted."""
    rng = np.random.default_rng(0)
    entries = log([MIXINS.specimen(rng) for _ in range(100)])
    rows = Rows(MIXINS)
    replay(MIXINS, entries, asked(MIXINS, entries), rows.add)
    return MIXINS.dump(MIXINS.candidates["pair_rates"](rows.table(), rng))


@asynccontextmanager
async def working(dsn: Dsn, options: worker.Options) -> AsyncGenerator[Lifecycle]:
    """Yield a lifecycle whose worker has these options."""
    async with running(dsn, [MIXINS]) as lifecycle, anyio.create_task_group() as group:
        group.start_soon(partial(worker.work, lifecycle, options=options))
        yield lifecycle
        group.cancel_scope.cancel()


async def results(lifecycle: Lifecycle, count: int) -> list[str]:
    history = partial(runs.history, learner=NAME, limit=20)
    with anyio.fail_after(40):
        while True:
            ended = [row for row in await lifecycle.run(history) if row["result"] != "running"]
            if len(ended) >= count:
                return [row["result"] for row in reversed(ended)]
            await lifecycle.stirred(0.1)


async def started(lifecycle: Lifecycle) -> None:
    with anyio.fail_after(20):
        while not await lifecycle.run(partial(runs.history, learner=NAME, limit=1)):
            await lifecycle.stirred(0.02)


async def take_the_lease(connection: Any) -> None:
    await connection.execute("update learners set token = gen_random_uuid(), owner = 'another'")


@pytest.mark.anyio
async def test_a_child_gets_the_incumbent_and_the_users_catalogue(fresh_database: Dsn) -> None:
    async with working(fresh_database, worker.Options()) as lifecycle:
        await governing.add_to_catalogue(
            lifecycle, NAME, {"name": "MixinTea", "category": "business"}
        )
        for revision in (MIXINS.revision, MIXINS.revision - 1):
            number = await lifecycle.run(
                partial(
                    versions.register, learner=NAME, revision=revision, candidate="pair_rates",
                    params=pair_rates(), report={}, lineage={},
                )
            )  # fmt: skip
            await lifecycle.run(
                partial(versions.promote, learner=NAME, number=number, by="me", reason="test")
            )
            await lifecycle.request(NAME, "by hand", manual=True)
            # of another revision the incumbent stays behind, and the run goes on without it
            assert set(await results(lifecycle, number)) == {"skipped"}
        newest = await lifecycle.run(partial(runs.last, learner=NAME))
        assert newest is not None
        assert newest["reason"].startswith("0 of 50 ")
        assert newest["catalogue"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize("lease", [timedelta(seconds=30), timedelta(seconds=0.2)])
async def test_a_trainer_that_lost_its_lease_writes_nothing(
    fresh_database: Dsn, lease: timedelta
) -> None:
    """With a long lease it finds out at the end, with a short one while it trains."""
    async with working(fresh_database, worker.Options(lease=lease)) as lifecycle:
        await lifecycle.request(NAME, "by hand", manual=True)
        await started(lifecycle)
        await lifecycle.run(take_the_lease)
        await lifecycle.run(expire)  # the other has ended too: the request is taken up again
        assert await results(lifecycle, 2) == ["failed", "skipped"]


async def expire(connection: Any) -> None:
    await connection.execute("update learners set lease_until = now()")


@pytest.mark.anyio
async def test_a_database_above_its_limit_forgets_unanswered_asks_sooner(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        kept = [lifecycle.ask(LEARNER, Toss(coin=name), CALLER).id for name in "ab"]
        await lifecycle.tell(Tell(decision_id=kept[0], verdict="success"), CALLER)
        await lifecycle.run(age)
    async with working(fresh_database, worker.Options(max_disk=1)) as lifecycle:
        with anyio.fail_after(20):
            while len(ids := await lifecycle.run(stored_ids)) > 1:
                await lifecycle.stirred(0.05)
        assert ids == [kept[0]]


async def age(connection: Any) -> None:
    await connection.execute("update decisions set asked_at = now() - interval '2 days'")


async def stored_ids(connection: Any) -> list[str]:
    return [str(row["id"]) for row in await connection.fetch("select id from decisions")]


def test_a_memory_of_another_shape_is_refused() -> None:
    fold = replay(LEARNER, log(history(10)))
    thawed = codec.thaw(LEARNER, fold.seq, codec.freeze(fold))
    assert thawed.memory == fold.memory
