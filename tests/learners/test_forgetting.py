"""The law of forgetting: afterwards everything is as if the rows had never been told."""

import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import numpy as np
import pytest
from coins import LEARNER, Params, Toss
from rig import running

from learners import governing
from learners.errors import UnknownVersion, WrongInput
from learners.lifecycle import Lifecycle
from learners.registry import catalog
from learners.serving import Caller
from learners.telling import Tell
from storage import audit, decisions, erasures, log, versions
from storage.embedded import Dsn, Lease
from storage.erasures import Extent, Scope
from storage.rows import EventRow

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(200)]

START = 1_700_000_000.0
COMMON, SECRET = "common", "zebra-project"
PEOPLE = ("ann", "ursula-zebra")
MIXINS = "mixin_compatibility"
CALLER, SECRETIVE = Caller(project=COMMON, user="ann"), Caller(project=SECRET, user=PEOPLE[1])


@pytest.fixture
def dumped(database: Lease) -> Callable[[Dsn], str]:
    """Everything that a database holds, as text."""

    def dump(dsn: Dsn) -> str:
        command = [
            database.binaries.program("pg_dump"), "--data-only", "--inserts",
            "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], "-d", dsn["database"],
        ]  # fmt: skip
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return dump


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody did at a time.

    Attributes:
        about: Of an outcome on a decision or of a correction: the step it refers to.
    """

    number: int
    kind: str  # ask, fact, tell, correct
    project: str
    user: str
    coin: str
    verdict: Any
    source: str
    about: int | None = None

    @property
    def at(self) -> float:
        """When."""
        return START + 60 * self.number


def history(seed: int, count: int = 90) -> list[Step]:
    """Two projects and two people, who ask, tell, and correct their own words and others'."""
    rng = np.random.default_rng(seed)
    steps = list[Step]()
    for number in range(count):
        asks = [step for step in steps if step.kind == "ask"]
        keyed = [step for step in steps if step.kind in ("fact", "correct")]
        kind = str(rng.choice(["ask", "fact", "tell", "correct"], p=[0.3, 0.2, 0.35, 0.15]))
        among = {"tell": asks, "correct": keyed}.get(kind, [])
        if kind in ("tell", "correct") and not among:
            kind = "ask"
        about = None if kind in ("ask", "fact") else among[int(rng.integers(len(among)))]
        project = about.project if about else str(rng.choice([COMMON, SECRET]))
        coin = about.coin if about else f"{project}-{rng.integers(4)}"
        steps.append(
            Step(
                number, kind, project, str(rng.choice(PEOPLE)), coin,
                str(rng.choice(["success", "failure"])), str(rng.choice(["human", "agent"])),
                None if about is None else about.number,
            )
        )  # fmt: skip
    return steps


def survivors(steps: Sequence[Step], gone: Callable[[Step], bool]) -> list[Step]:
    """Return what is left when all that refers to a forgotten step goes, too."""
    lost = set[int]()
    for step in steps:
        if gone(step) or step.about in lost:
            lost.add(step.number)
    return [step for step in steps if step.number not in lost]


async def live_through(steps: Sequence[Step], processes: Sequence[Lifecycle]) -> set[int]:
    """Do the steps, in turn by each process; return those that were refused.

    A weaker word is not in the log, so that it cannot be corrected.
    """
    refused = set[int]()
    asked = dict[int, str]()
    at = [START]
    for lifecycle in processes:
        lifecycle.clock = lambda: at[0]
    for step in steps:
        at[0] = step.at
        lifecycle = processes[step.number % len(processes)]
        caller = Caller(project=step.project, user=step.user)
        if step.kind == "ask":
            query = Toss(coin=step.coin, project=step.project)
            asked[step.number] = lifecycle.ask(LEARNER, query, caller).id
            await lifecycle.writer.flush(5)
            continue
        facts = {"coin": step.coin, "remark": f"{step.user} said so"}
        tell = Tell(
            learner="coins", verdict=step.verdict, source=step.source, key=f"step {step.number}"
        )
        if step.kind == "tell":
            tell = replace(tell, decision_id=asked[step.about or 0])
        else:
            tell = replace(tell, facts=facts)
        if step.kind == "correct":
            tell = replace(tell, corrects=f"step {step.about}")
        try:
            await lifecycle.tell(tell, caller)
        except WrongInput:
            refused.add(step.number)
    return refused


async def forget(lifecycle: Lifecycle, scope: Scope, by: str = "somebody") -> Extent:
    work = partial(erasures.erase, scope=scope, key=uuid.uuid4(), by=by)
    extent: Extent = await lifecycle.run(work)
    return extent


async def noticed(*processes: Lifecycle, epoch: int = 2) -> None:
    """Wait until every process goes on with the memory of an epoch."""
    with anyio.fail_after(10):
        for lifecycle in processes:
            for live in lifecycle.lives.values():
                while live.epoch < epoch:
                    await lifecycle.stirred(0.05)
            while lifecycle.seq < max(live.fold.seq for live in lifecycle.lives.values()):
                await lifecycle.stirred(0.05)


def between(first: int, end: int, project: str = "", user: str = "") -> Scope:
    since, until = (datetime.fromtimestamp(START + 60 * n, UTC) for n in (first, end))
    return Scope(project=project, user=user, since=since, until=until)


@pytest.mark.parametrize(
    ("seed", "scope", "gone"),
    [
        (0, Scope(project=SECRET), lambda step: step.project == SECRET),
        (1, Scope(user=PEOPLE[1]), lambda step: step.user == PEOPLE[1]),
        (3, between(30, 70), lambda step: 30 <= step.number < 70),
        (
            4,
            between(0, 80, SECRET, PEOPLE[1]),
            lambda s: s.project == SECRET and s.user == PEOPLE[1] and s.number < 80,
        ),
    ],
    ids=["a project", "a user", "a period", "all three"],
)
async def test_afterwards_every_process_knows_what_it_would_know_had_it_never_been_told(
    fresh_databases: tuple[Dsn, Dsn],
    dumped: Callable[[Dsn], str],
    seed: int,
    scope: Scope,
    gone: Callable[[Step], bool],
) -> None:
    steps = history(seed)
    told, never_told = fresh_databases
    async with (
        running(told, [LEARNER]) as here,
        running(told, [LEARNER]) as there,
        running(never_told, [LEARNER]) as innocent,
    ):
        refused = await live_through(steps, [here, there])
        left = survivors([step for step in steps if step.number not in refused], gone)
        assert await live_through(left, [innocent]) == set()
        extent = await forget(here, scope, by=PEOPLE[1])
        assert extent.rows > 10
        await noticed(here, there)
        async with running(told, [LEARNER]) as restarted:
            for lifecycle in (here, there, restarted):
                same_knowledge(lifecycle, innocent)
    dump = dumped(told)
    if scope.since is None:
        assert (scope.project or scope.user) not in dump
    assert sorted(stored(dump)) == sorted(stored(dumped(never_told)))


def stored(dump: str) -> list[str]:
    """Return the keys of the outcomes that a dump holds."""
    return [
        word for line in dump.splitlines() if "INTO public.events" in line
        for word in [line.split("'")[3]]
    ]  # fmt: skip


def same_knowledge(lifecycle: Lifecycle, innocent: Lifecycle) -> None:
    ours, theirs = lifecycle.live("coins"), innocent.live("coins")
    assert ours.fold.memory == theirs.fold.memory
    assert LEARNER.evidence(ours.fold.memory) == LEARNER.evidence(theirs.fold.memory)
    for project in (COMMON, SECRET):
        for coin in range(5):
            query = Toss(coin=f"{project}-{coin}", project=project)
            answers = [
                live.learner.answer(
                    live.params, live.fold.memory, query, 0, np.random.default_rng()
                )
                for live in (ours, theirs)
            ]
            assert answers[0] == answers[1]


async def test_what_is_still_buffered_of_it_in_another_process_never_lands(
    fresh_database: Dsn, dumped: Callable[[Dsn], str]
) -> None:
    async with running(fresh_database, [LEARNER]) as here:
        asked = here.ask(LEARNER, Toss(coin="zebra", project=SECRET), SECRETIVE)
        kept = here.ask(LEARNER, Toss(coin="horse", project=COMMON), CALLER)
        await here.writer.flush(5)
        await forget(here, Scope(project=SECRET))
        # as a process that has not heard of it yet would write them
        late = replace(asked.row, id=str(uuid.uuid4()))
        told = EventRow(
            learner="coins", key="late", outcome={"heads": 1}, query=asked.row.query,
            known=here.now(), project=SECRET, user_id=PEOPLE[1],
        )  # fmt: skip
        joined = replace(told, key="joined", project="", query={"coin": "a"}, joined=True)
        waits = EventRow(
            learner="*", key="waits", decision_id=str(uuid.uuid4()), known=here.now(),
            outcome={"verdict": "success", "learner": "", "facts": {"project": SECRET}},
        )  # fmt: skip
        fine = replace(joined, key="fine", decision_id=kept.id)
        late_rows = [told, replace(joined, decision_id=asked.id), waits, fine]
        results = await here.run(partial(log.append, decisions=[late], events=late_rows))
        assert [each.effect for each in results] == ["forgotten"] * 3 + ["join"]
        await noticed(here)
        # what is told from now on is news
        again = Tell(learner="coins", facts={"coin": "a", "project": "new"}, verdict="success")
        assert (await here.tell(again, replace(SECRETIVE, project="new"))).effect == "fact"
        assert SECRET not in dumped(fresh_database)


async def test_a_process_remembers_no_decision_that_was_forgotten(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as here, running(fresh_database, [LEARNER]) as it:
        gone = it.ask(LEARNER, Toss(coin="zebra", project=SECRET), SECRETIVE)
        kept = it.ask(LEARNER, Toss(coin="horse", project=COMMON), CALLER)
        await it.writer.flush(5)
        await forget(here, Scope(project=SECRET))
        await noticed(it)
        told = [
            await it.tell(Tell(decision_id=each.id, verdict="success"), CALLER)
            for each in (gone, kept)
        ]
        assert [each.effect for each in told] == ["waiting", "join"]
        assert it.live("coins").fold.memory.coins == {"horse": [1.0, 0.0]}


async def test_a_look_changes_nothing_and_a_repeated_call_erases_once(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as here:
        for caller in (CALLER, SECRETIVE):
            await here.tell(Tell(learner="coins", facts={"coin": "a"}, verdict="success"), caller)
        early = Tell(decision_id=str(uuid.uuid4()), verdict="success", learner="coins")
        await here.tell(early, SECRETIVE)
        scope, key = Scope(project=SECRET, learner="coins"), uuid.uuid4()
        seen = await here.run(partial(erasures.preview, scope=scope))
        assert (seen.rows, seen.waiting, seen.shares[0].outcomes) == (2, 1, 1)
        assert len(await here.run(decisions.export_outcomes)) == 3
        work = partial(erasures.erase, scope=scope, key=key, by="me")
        assert [await here.run(work), await here.run(work)] == [seen, seen]
        assert len(await here.run(decisions.export_outcomes)) == 1
        assert (await here.run(versions.serving))["coins"]["epoch"] == 2
        assert await here.run(partial(erasures.projects, limit=9)) == [COMMON]


async def test_versions_that_knew_a_forgotten_row_are_gone_everywhere_and_the_others_stay(
    fresh_database: Dsn,
) -> None:
    async with (
        running(fresh_database, [LEARNER]) as here,
        running(fresh_database, [LEARNER]) as there,
    ):
        tell = Tell(learner="coins", facts={"coin": "a"}, verdict="success")
        seqs = list[int]()
        for caller in (CALLER, SECRETIVE, CALLER):
            await here.tell(tell, caller)
            seqs.append(here.seq)
        params = LEARNER.dump(Params(0.2, 0.8))
        for seq in seqs:
            register = partial(
                versions.register, learner="coins", revision=1, candidate="by_mark",
                params=params, report={"kept": seq}, lineage={"memory_seq": seq},
            )  # fmt: skip
            number = await here.run(register)
            await governing.promote(here, "coins", number, by=PEOPLE[1], reason="test")
        await forget(there, Scope(user=PEOPLE[1]), by=PEOPLE[1])
        await noticed(here, there)
        assert [each.live("coins").version for each in (here, there)] == [None, None]
        kept = await here.run(partial(versions.versions, learner="coins"))
        assert [(row["number"], row["loadable"], row["erasure"]) for row in kept] == [
            (3, False, 1), (2, False, 1), (1, True, None),
        ]  # fmt: skip
        assert [row["report"]["kept"] for row in kept] == seqs[::-1]
        with pytest.raises(UnknownVersion, match="its params are gone"):
            await governing.roll_back(here, "coins", by="me", reason="test")
        await governing.promote(here, "coins", 1, by="me", reason="test")
        rows = await here.run(partial(audit.done, learner=None, since=None, limit=9))
        assert [(row["what"], row.get("version"), row["by"]) for row in rows] == [
            ("promotion", 1, "me"),
            ("erasure", None, erasures.SOMEBODY),
            ("roll-back", None, "erasure 1"),
            *(("promotion", number, erasures.SOMEBODY) for number in (3, 2, 1)),
        ]


async def test_what_other_answers_quoted_of_it_is_gone_too(
    fresh_database: Dsn, dumped: Callable[[Dsn], str]
) -> None:
    learner = catalog()[MIXINS]
    async with running(fresh_database, [learner]) as here:
        facts = {"mixins": ["MixinA", "MixinB"], "node_type": "EFFECT", "project": COMMON}
        secret = {**facts, "failure": 4, "conflict_reason": 'the "zebra" bites'}
        for told, user in ((secret, PEOPLE[1]), ({**facts, "failure": 5}, "ann")):
            tell = Tell(learner=MIXINS, facts=told, verdict="failure")
            await here.tell(tell, replace(CALLER, user=user))
        asked = here.ask(learner, learner.query.model_validate(facts), CALLER)
        assert 'known conflict: the "zebra" bites' in asked.advice.warnings
        await here.writer.flush(5)
        await forget(here, Scope(user=PEOPLE[1]))
        await noticed(here)
        assert "bites" not in dumped(fresh_database)
        (kept,) = await here.run(decisions.export_decisions)
        assert kept["answer"]["probability"] == asked.advice.probability
        again = here.ask(learner, learner.query.model_validate(facts), CALLER)
        assert (again.advice.n, again.advice.source) == (5, "observed")
