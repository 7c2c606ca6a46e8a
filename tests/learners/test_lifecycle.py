"""Ask, tell and share, over real PostgreSQL."""

import uuid
from dataclasses import replace
from functools import partial

import anyio
import pytest
from coins import LEARNER, Toss
from rig import open_database, running

from learners import codec, governing
from learners.errors import Conflict, InvalidFacts, UnknownLearner, UnknownVersion, WrongInput
from learners.replay import replay
from learners.serving import Caller
from learners.telling import Tell
from storage import decisions, log
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

CALLER = Caller(project="p", session="s")


def fact(coin: str, verdict: str = "success", **more: object) -> Tell:
    return Tell(learner="coins", facts={"coin": coin}, verdict=verdict, **more)  # type: ignore[arg-type]


async def test_an_answer_changes_as_soon_as_an_outcome_is_acknowledged(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        first = lifecycle.ask(LEARNER, Toss(coin="a"), CALLER)
        assert (first.advice.source, first.advice.n) == ("abstained", 0)
        for _ in range(6):
            told = await lifecycle.tell(fact("a", "failure"), CALLER)
            assert told.effect == "fact"
        after = lifecycle.ask(LEARNER, Toss(coin="a"), CALLER)
        assert (after.advice.source, after.advice.n) == ("observed", 6)
        assert after.advice.probability is not None
        assert after.advice.probability < 0.1


async def test_an_outcome_joins_its_decision_and_carries_its_query(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        decision = lifecycle.ask(LEARNER, Toss(coin="b", marked=True), CALLER)
        told = await lifecycle.tell(Tell(decision_id=decision.id, verdict="success"), CALLER)
        assert (told.joined, told.effect, told.learners) == (True, "join", ("coins",))
        assert lifecycle.live("coins").fold.memory.coins == {"b": [1.0, 0.0]}


async def test_telling_twice_with_one_key_counts_once(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        effects = [(await lifecycle.tell(fact("a", key="k"), CALLER)).effect for _ in range(3)]
        assert effects == ["fact", "duplicate", "duplicate"]
        with pytest.raises(Conflict, match="key: 'k' is stored already"):
            await lifecycle.tell(fact("a", "failure", key="k"), CALLER)
        assert lifecycle.live("coins").fold.memory.coins == {"a": [1.0, 0.0]}


async def test_a_second_word_on_a_decision_corrects_the_first(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        decision = lifecycle.ask(LEARNER, Toss(coin="a"), CALLER)
        words = ["success", "failure", "success", "success"]
        effects = [
            (await lifecycle.tell(Tell(decision_id=decision.id, verdict=word), CALLER)).effect  # type: ignore[arg-type]
            for word in words
        ]
        assert effects == ["join", "correction", "correction", "duplicate"]
        assert lifecycle.live("coins").fold.memory.coins == {"a": [1.0, 0.0]}


async def test_a_weaker_source_does_not_overrule_a_stronger_one(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        decision = lifecycle.ask(LEARNER, Toss(coin="a"), CALLER)
        await lifecycle.tell(
            Tell(decision_id=decision.id, verdict="failure", source="human"), CALLER
        )
        told = await lifecycle.tell(Tell(decision_id=decision.id, verdict="success"), CALLER)
        assert told.effect == "weaker"
        assert lifecycle.live("coins").fold.memory.coins == {"a": [0.0, 1.0]}


async def test_a_correction_names_the_key_it_replaces(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        await lifecycle.tell(fact("a", key="first"), CALLER)
        told = await lifecycle.tell(fact("a", "failure", key="second", corrects="first"), CALLER)
        assert told.effect == "correction"
        assert lifecycle.live("coins").fold.memory.coins == {"a": [0.0, 1.0]}
        with pytest.raises(WrongInput, match="corrects: expected the key of a stored outcome"):
            await lifecycle.tell(fact("a", corrects="nobody"), CALLER)


async def test_an_outcome_may_arrive_before_its_decision(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as here:
        decision = here.ask(LEARNER, Toss(coin="early"), CALLER)
        # Another process hears of it first: to that one the decision has not landed.
        late = str(uuid.uuid4())
        told = await here.tell(Tell(decision_id=late, verdict="success"), CALLER)
        assert (told.effect, told.joined) == ("waiting", False)
        assert here.live("coins").fold.memory.coins == {}
        here.writer.decide(replace(decision.row, id=late))
        await here.writer.flush(5)
        assert await here.join_waiting() == 1
        with anyio.fail_after(10):
            while here.live("coins").fold.memory.coins != {"early": [1.0, 0.0]}:
                await here.stirred(0.1)
        again = await here.tell(Tell(decision_id=late, verdict="success"), CALLER)
        assert again.effect == "duplicate"


async def test_an_early_outcome_that_does_not_fit_its_decision_holds_nothing_up(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        decision = lifecycle.ask(LEARNER, Toss(coin="early"), CALLER)
        choice, fitting = str(uuid.uuid4()), str(uuid.uuid4())
        for late in (choice, fitting):
            told = await lifecycle.tell(Tell(decision_id=late, verdict="success"), CALLER)
            assert told.effect == "waiting"
        # of a choice the outcome must say what was used, and this one did not
        lifecycle.writer.decide(replace(decision.row, id=choice, query=None))
        lifecycle.writer.decide(replace(decision.row, id=fitting))
        await lifecycle.writer.flush(5)
        assert await lifecycle.join_waiting() == 1
        assert await lifecycle.join_waiting() == 0


async def test_facts_serve_when_the_decision_is_missing(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        told = await lifecycle.tell(fact("a", decision_id=str(uuid.uuid4())), CALLER)
        assert (told.effect, told.joined) == ("fact", False)
        assert lifecycle.live("coins").fold.memory.coins == {"a": [1.0, 0.0]}


async def test_wrong_tells_name_the_field(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        with pytest.raises(InvalidFacts, match="decision_id: expected the id of an answer"):
            await lifecycle.tell(Tell(verdict="success"), CALLER)
        with pytest.raises(InvalidFacts, match="decision_id: expected the id of an answer"):
            await lifecycle.tell(Tell(verdict="success", decision_id="17"), CALLER)
        with pytest.raises(UnknownLearner, match="learner: expected one of coins"):
            await lifecycle.tell(Tell(verdict="success", learner="x", facts={"a": 1}), CALLER)
        wrong = Tell(verdict="success", learner="coins", facts={"coin": "a", "colour": "red"})
        with pytest.raises(InvalidFacts, match=r"facts\.colour: is not a field"):
            await lifecycle.tell(wrong, CALLER)
        with pytest.raises(InvalidFacts, match="source: expected one of human"):
            await lifecycle.tell(fact("a", source="rumour"), CALLER)


async def test_another_process_learns_of_it_and_a_restart_remembers(fresh_database: Dsn) -> None:
    async with (
        running(fresh_database, [LEARNER]) as here,
        running(fresh_database, [LEARNER]) as there,
    ):
        for _ in range(5):
            await here.tell(fact("a"), CALLER)
        with anyio.fail_after(5):
            while there.seq < here.seq:
                await there.stirred(0.1)
        assert there.live("coins").fold.memory == here.live("coins").fold.memory
    async with running(fresh_database, [LEARNER]) as restarted:
        assert restarted.live("coins").fold.memory.coins == {"a": [5.0, 0.0]}


async def test_many_callers_share_a_flush_and_every_outcome_is_there_once(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        async with anyio.create_task_group() as group:
            for i in range(300):
                group.start_soon(lifecycle.tell, fact(f"coin{i % 7}", key=f"k{i}"), CALLER)
        assert sum(sum(c) for c in lifecycle.live("coins").fold.memory.coins.values()) == 300
        assert lifecycle.database is not None
        stored = await lifecycle.database.run(decisions.export_outcomes)
        assert sorted(row["key"] for row in stored) == sorted(f"k{i}" for i in range(300))


async def test_replaying_the_stored_log_gives_the_live_memory(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        ids = [lifecycle.ask(LEARNER, Toss(coin=f"c{i % 3}"), CALLER).id for i in range(20)]
        for i, name in enumerate(ids):
            word = "success" if i % 2 else "failure"
            await lifecycle.tell(Tell(decision_id=name, verdict=word), CALLER)  # type: ignore[arg-type]
        await lifecycle.tell(Tell(decision_id=ids[3], verdict="failure"), CALLER)
        database = await open_database(fresh_database)
        rows = await database.run(partial(log.since, seq=0, limit=1000, learner="coins"))
        await database.close()
        replayed = replay(LEARNER, [codec.entry(LEARNER, row) for row in rows])
        assert codec.freeze(replayed) == codec.freeze(lifecycle.live("coins").fold)
        assert replayed.ledger.accounts[0].n == 20


async def test_promoting_what_does_not_exist_names_what_does(fresh_database: Dsn) -> None:
    async with running(fresh_database, [LEARNER]) as lifecycle:
        with pytest.raises(UnknownVersion, match="version: nothing of coins was trained yet"):
            await governing.promote(lifecycle, "coins", 3, by="me", reason="test")
        with pytest.raises(UnknownVersion, match="nothing of coins was ever promoted"):
            await governing.roll_back(lifecycle, "coins", by="me", reason="test")
