"""The event of a generation, told in steps: asked, finished, judged, corrected; over PostgreSQL."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import numpy as np
import pytest
from coins import LEARNER as COINS
from coins import Toss
from generations import ASK, LEARNERS, NAMES, SETTINGS
from rig import open_database, running

from learners import codec, dividing
from learners.catalog._generation.types import GenerationQuery
from learners.errors import Conflict, InvalidFacts, NotStored, UnknownLearner, WrongInput
from learners.lifecycle import Lifecycle, Told
from learners.replay import replay
from learners.serving import Caller
from learners.telling import Tell
from storage import decisions, erasures, log
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

CALLER = Caller(project="p", user="ann", session="s")
COMPLEXITY, QUALITY, SUCCESS, TIME = NAMES


def ask(lifecycle: Lifecycle, **more: Any) -> str:
    query = GenerationQuery.model_validate({**ASK, **more})
    return lifecycle.ask_together(NAMES, query, CALLER)[SUCCESS].id


async def tell(
    lifecycle: Lifecycle, decision_id: str, word: Any, facts: Any = None, **more: Any
) -> Told:
    caller = more.pop("caller", CALLER)
    said = Tell(decision_id=decision_id, verdict=word, facts=facts, **more)
    return await lifecycle.tell(said, caller)


def n(lifecycle: Lifecycle) -> dict[str, float]:
    """Return how many labels each learner has."""
    return {name: lifecycle.live(name).fold.memory.n for name in NAMES}


def total(lifecycle: Lifecycle, name: str) -> float:
    return float(lifecycle.live(name).fold.memory.total)


async def stored(lifecycle: Lifecycle) -> list[dict[str, Any]]:
    return [dict(row.items()) for row in await lifecycle.run(decisions.export_outcomes)]


async def test_a_generation_is_finished_judged_and_corrected(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        took = {"seconds": 12.5, "tokens": 900, "self_review": 8}
        finished = await tell(lifecycle, event, "pending", took)
        assert (finished.effect, finished.joined) == ("join", True)
        assert finished.learners == (QUALITY, TIME)
        assert n(lifecycle) == {COMPLEXITY: 0, QUALITY: 0, SUCCESS: 0, TIME: 1}
        judged = await tell(lifecycle, event, "success", {"quality": 9, "complexity": 4})
        assert judged.learners == (COMPLEXITY, QUALITY, SUCCESS)
        assert n(lifecycle) == {COMPLEXITY: 1, QUALITY: 1, SUCCESS: 1, TIME: 1}
        assert total(lifecycle, SUCCESS) == 1
        corrected = await tell(lifecycle, event, "failure", {"quality": 3}, source="human")
        assert (corrected.effect, corrected.learners) == ("correction", (QUALITY, SUCCESS))
        assert (total(lifecycle, SUCCESS), total(lifecycle, QUALITY)) == (0, 3)
        assert n(lifecycle) == {COMPLEXITY: 1, QUALITY: 1, SUCCESS: 1, TIME: 1}
        mild = await tell(lifecycle, event, "neutral")
        assert mild.effect == "weaker"


async def test_what_nobody_has_judged_is_no_failure(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        for _ in range(3):
            await tell(lifecycle, ask(lifecycle), "pending", {"seconds": 4})
        assert n(lifecycle) == {COMPLEXITY: 0, QUALITY: 0, SUCCESS: 0, TIME: 3}
        said = lifecycle.ask_together(NAMES, GenerationQuery(), CALLER)
        assert said[SUCCESS].advice.source == "abstained"


async def test_each_step_is_told_once_however_often_it_is_repeated(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        steps: list[tuple[str, dict[str, Any]]] = [
            ("pending", {"seconds": 12.5, "self_review": 8}),
            ("success", {"quality": 9}),
        ]
        for word, facts in steps:
            assert (await tell(lifecycle, event, word, facts)).effect == "join"
        before = await stored(lifecycle)
        for word, facts in (*steps, *steps):
            assert (await tell(lifecycle, event, word, facts)).effect == "duplicate"
        assert await stored(lifecycle) == before
        assert n(lifecycle) == {COMPLEXITY: 0, QUALITY: 1, SUCCESS: 1, TIME: 1}


async def test_what_was_said_before_a_correction_can_be_said_again(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        for quality in (9, 3, 9):
            await tell(lifecycle, event, "success", {"quality": quality})
        assert total(lifecycle, QUALITY) == 9
        told = [row["outcome"] for row in await stored(lifecycle) if row["learner"] == QUALITY]
        assert told == [{"quality": 9}, {"quality": 3}, {"quality": 9}]


async def test_a_late_completion_takes_no_judgement_back(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        await tell(lifecycle, event, "success", {"quality": 9, "complexity": 4})
        await tell(lifecycle, event, "pending", {"seconds": 5, "self_review": 6})
        await tell(lifecycle, event, "pending", {"tokens": 70})
        assert n(lifecycle) == dict.fromkeys(NAMES, 1)
        assert (total(lifecycle, QUALITY), total(lifecycle, TIME)) == (9, 5)
        ledger = lifecycle.live(QUALITY).fold.ledger
        assert ledger.accounts[0].n == 1


async def test_an_answer_is_scored_by_the_first_word_that_says_anything_of_it(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        await tell(lifecycle, event, "pending", {"self_review": 6})
        assert lifecycle.live(QUALITY).fold.ledger.accounts == {}
        await tell(lifecycle, event, "success", {"quality": 9})
        await tell(lifecycle, event, "success", {"quality": 2})
        ledger = lifecycle.live(QUALITY).fold.ledger
        assert (ledger.accounts[0].n, ledger.newest) == (1, [9])


async def test_replaying_the_log_of_steps_gives_the_live_memory(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        for i in range(6):
            event = ask(lifecycle, model=f"m{i % 2}")
            await tell(lifecycle, event, "pending", {"seconds": i, "self_review": i})
            if i % 2:
                await tell(lifecycle, event, "failure", {"quality": i, "model": "other"})
            await tell(lifecycle, event, "neutral", {"quality": 1})
        database = await open_database(fresh_database)
        for learner in LEARNERS:
            rows = await database.run(partial(log.since, seq=0, limit=1000, learner=learner.name))
            replayed = replay(learner, [codec.entry(learner, row) for row in rows])
            live = lifecycle.live(learner.name).fold
            assert codec.freeze(replayed) == codec.freeze(live)
        await database.close()
        assert n(lifecycle) == {COMPLEXITY: 0, QUALITY: 6, SUCCESS: 6, TIME: 6}


@pytest.mark.parametrize(
    ("word", "facts", "learner", "expected"),
    [
        (
            "pending",
            None,
            "",
            "facts: outcome pending alone says nothing to .*; give some of comple",
        ),
        ("pending", {"model": "x"}, "", "outcome pending alone says nothing"),
        ("success", None, TIME, "success alone says nothing to generation_time; give some of sec"),
        (
            "pending",
            {"colour": 1, "seconds": 2},
            "",
            r"facts\.colour: is not a field. Accepted: ag",
        ),
        ("pending", {"colour": 1}, "", r"max_tokens, complexity, measured, code \(with file_path"),
        ("success", {"seconds": 1}, SUCCESS, r"facts\.seconds: is not a field"),
        ("pending", {"seconds": -1}, "", r"facts\.seconds: expected greater than or equal to 0"),
        ("pending", {"regenerations": 1}, "", r"facts\.regenerations: is told once it is judged"),
        ("pending", {"action": "approve"}, "", r"facts\.action: is told once it is judged"),
        ("success", {"action": "reject"}, "", r"facts\.action: contradicts outcome success"),
        (
            "pending",
            {"seconds": 1, "temperature": 9},
            "",
            r"facts\.temperature: expected less than",
        ),
        ("success", {"file_path": "a.py"}, "", r"facts\.file_path: is not a field"),
        ("success", {"quality": None}, QUALITY, "success alone says nothing to generation_quality"),
    ],
)
async def test_what_cannot_be_divided_names_the_field_and_stores_nothing(
    fresh_database: Dsn, word: str, facts: Any, learner: str, expected: str
) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        with pytest.raises(InvalidFacts, match=expected):
            await tell(lifecycle, event, word, facts, learner=learner)
        assert await stored(lifecycle) == []


async def test_learners_of_verdicts_only_take_no_pending(fresh_database: Dsn) -> None:
    async with running(fresh_database, [COINS, *LEARNERS]) as lifecycle:
        decision = lifecycle.ask(COINS, Toss(coin="a"), CALLER)
        with pytest.raises(InvalidFacts, match="coins learns from success, neutral or failure"):
            await tell(lifecycle, decision.id, "pending", {"heads": 1})
        with pytest.raises(InvalidFacts, match=r"facts\.seconds: is not a field"):
            await tell(lifecycle, decision.id, "success", {"seconds": 1})


async def test_what_was_really_used_stands_in_place_of_what_was_asked(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        for _ in range(2):  # so that something is predicted
            await tell(lifecycle, ask(lifecycle), "success", {"seconds": 5})
        scored = lifecycle.live(TIME).fold.ledger.accounts[0].n
        event = ask(lifecycle)
        await tell(lifecycle, event, "pending", {"seconds": 7, "model": "small"})
        await tell(lifecycle, event, "success")
        for name in (TIME, SUCCESS):  # what was used is known when it is judged, too
            assert lifecycle.live(name).fold.memory.models == (("large", 2), ("small", 1))
            assert lifecycle.live(name).fold.ledger.accounts[0].n == scored
        same = ask(lifecycle)
        await tell(lifecycle, same, "pending", {"seconds": 7, "model": "large"})
        assert lifecycle.live(TIME).fold.ledger.accounts[0].n == scored + 1


async def test_another_process_knows_what_was_really_used(fresh_database: Dsn) -> None:
    async with (
        running(fresh_database, LEARNERS) as here,
        running(fresh_database, LEARNERS) as there,
    ):
        event = ask(here)
        await tell(here, event, "pending", {"seconds": 7, "model": "small", "temperature": 0})
        await tell(there, event, "failure", {"temperature": 1})
        rows = await here.run(partial(log.since, seq=0, limit=10))
        read = {row["learner"]: GenerationQuery.model_validate(row["query"]) for row in rows}
        assert (read[TIME].model, read[TIME].temperature) == ("small", 0)
        assert (read[SUCCESS].model, read[SUCCESS].temperature) == ("small", 1)
        assert read[SUCCESS].text == read[TIME].text
        assert read[SUCCESS].language == ASK["language"]


async def test_settings_that_are_said_anew_count_from_then_on(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        for model in ("small", "large", "small"):
            await tell(lifecycle, event, "pending", {"seconds": 5, "model": model})
            assert lifecycle.live(TIME).fold.memory.models == ((model, 1),)
        used = [row["used"] for row in await stored(lifecycle)]
        assert used == [{"model": "small"}, {"model": "large"}, {"model": "small"}]


async def test_steps_may_arrive_before_their_decision(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        said = lifecycle.ask_together(NAMES, GenerationQuery.model_validate(ASK), CALLER)
        late = str(uuid.uuid4())
        first = await tell(lifecycle, late, "pending", {"seconds": 3})
        second = await tell(lifecycle, late, "success", {"quality": 5}, learner=QUALITY)
        third = await tell(lifecycle, late, "success")
        assert {each.effect for each in (first, second, third)} == {"waiting"}
        for decision in said.values():
            lifecycle.writer.decide(replace(decision.row, id=late))
        await lifecycle.writer.flush(5)
        assert await lifecycle.join_waiting() == 3
        with anyio.fail_after(10):
            while n(lifecycle) != {COMPLEXITY: 0, QUALITY: 1, SUCCESS: 1, TIME: 1}:
                await lifecycle.stirred(0.05)
        assert (await tell(lifecycle, late, "pending", {"seconds": 3})).effect == "duplicate"


async def test_facts_without_a_decision_are_told_to_all_they_say_something_to(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [COINS, *LEARNERS]) as lifecycle:
        facts = {"task_description": "a form", "language": "python", "seconds": 5, "quality": 7}
        told = await lifecycle.tell(Tell(verdict="neutral", facts=facts, key="g1"), CALLER)
        assert (told.key, told.effect, told.joined) == ("g1", "fact", False)
        assert told.learners == (QUALITY, SUCCESS, TIME)
        assert n(lifecycle) == {COMPLEXITY: 0, QUALITY: 1, SUCCESS: 1, TIME: 1}
        one = {"task_description": "a form", "complexity": 5}
        alone = Tell(verdict="pending", facts=one, learner=COMPLEXITY, key="g1")
        assert (await lifecycle.tell(alone, CALLER)).learners == (COMPLEXITY,)
        tossed = await lifecycle.tell(Tell(verdict="success", facts={"coin": "a"}), CALLER)
        assert tossed.learners == ("coins",)
        with pytest.raises(UnknownLearner, match="these facts could be about several"):
            await lifecycle.tell(Tell(verdict="success", facts={"project": "p"}), CALLER)
        with pytest.raises(InvalidFacts, match="say what was really used, with the fields task_"):
            await lifecycle.tell(Tell(verdict="success", facts={"seconds": 5}), CALLER)
        other = Tell(verdict="failure", facts={**facts, "seconds": 6}, key="g1")
        with pytest.raises(Conflict, match="key: 'g1' is stored already"):
            await lifecycle.tell(other, CALLER)


async def test_a_correction_by_key_reaches_all_that_learned_of_it(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        facts = {"task_description": "a form", "model": "large", "seconds": 5, "quality": 7}
        await lifecycle.tell(Tell(verdict="success", facts=facts, key="g1"), CALLER)
        mend = Tell(verdict="failure", facts={"quality": 2}, key="g2", corrects="g1")
        told = await lifecycle.tell(mend, CALLER)
        assert (told.effect, told.learners) == ("correction", (QUALITY, SUCCESS))
        assert [total(lifecycle, name) for name in (QUALITY, SUCCESS, TIME)] == [2, 0, 5]
        used = Tell(verdict="pending", facts={"model": "small", "tokens": 9}, corrects="g1")
        await lifecycle.tell(used, CALLER)
        time = lifecycle.live(TIME).fold.memory
        assert (time.total, time.models) == (5, (("small", 1),))
        with pytest.raises(WrongInput, match="corrects: expected the key of a stored outcome"):
            await lifecycle.tell(replace(mend, key="g3", corrects="nothing"), CALLER)


async def live_through(lifecycle: Lifecycle, told: Sequence[tuple[Any, ...]]) -> None:
    """Ask thrice, and tell what some people told, each at its own time."""
    now = [1_700_000_000.0]
    lifecycle.clock = lambda: now[0]
    asked = [ask(lifecycle) for _ in range(3)]
    await lifecycle.writer.flush(5)
    for number, who, about, word, facts in told:
        now[0] = 1_700_000_001.0 + number
        caller = replace(CALLER, user=who)
        await tell(lifecycle, asked[about], word, facts, caller=caller, key=f"k{number}")


def history(seed: int) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    names = ["seconds", "tokens", "self_review", "quality", "complexity", "model", "agent"]
    told = list[tuple[Any, ...]]()
    for number in range(40):
        word = str(rng.choice(["pending", "success", "failure"]))
        facts = {
            name: f"{name}{number}" if name in SETTINGS else int(rng.integers(1, 10))
            for name in map(str, rng.choice(names, size=4, replace=False))
        }
        who = str(rng.choice(["ann", "bob"]))
        told.append((number, who, int(rng.integers(3)), word, facts))
    return told


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_one_person_told_goes_without_what_another_told_of_the_same(
    fresh_databases: tuple[Dsn, Dsn], seed: int
) -> None:
    told = history(seed)
    async with (
        running(fresh_databases[0], LEARNERS) as forgetful,
        running(fresh_databases[1], LEARNERS) as innocent,
    ):
        await live_through(forgetful, told)
        await live_through(innocent, [each for each in told if each[1] == "ann"])
        scope, key = erasures.Scope(user="bob"), uuid.uuid4()
        await forgetful.run(partial(erasures.erase, scope=scope, key=key, by="me"))
        with anyio.fail_after(10):
            while any(live.epoch < 2 for live in forgetful.lives.values()):
                await forgetful.stirred(0.05)
        for name in NAMES:
            assert forgetful.live(name).fold.memory == innocent.live(name).fold.memory
        rows = [await each.run(decisions.generations) for each in (forgetful, innocent)]
        without = ("event_id", "completed_at", "approved_at")
        seen, expected = (
            [{k: v for k, v in row.items() if k not in without} for row in each] for each in rows
        )
        by = str
        assert sorted(seen, key=by) == sorted(expected, key=by)


@pytest.mark.parametrize("mode", ["redacted", "hash", "none"])
async def test_what_is_kept_of_a_description_changes_no_feature_and_no_score(
    fresh_database: Dsn, mode: Any
) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        lifecycle.store_text = mode
        event = ask(lifecycle)
        await tell(lifecycle, event, "success", {"seconds": 5, "modifications": "ann@example.org"})
        (row, *_) = await stored(lifecycle)
        assert "ann@example.org" not in str(await stored(lifecycle))
        kept = {"redacted": "Build a login", "hash": "sha256:", "none": ""}[mode]
        assert row["query"]["task_description"].startswith(kept)
        learner = lifecycle.live(TIME).learner
        queries: Sequence[Any] = [
            GenerationQuery.model_validate(each) for each in (ASK, row["query"])
        ]
        memory = learner.memory()
        asked, read = (learner.features(memory, query, None, 1.0) for query in queries)
        assert asked.tolist() == read.tolist()
        # the answer is found to be about what was told, and is scored
        assert lifecycle.live(TIME).fold.ledger.accounts[0].n == 1


async def test_a_decision_is_told_to_those_who_gave_it(fresh_database: Dsn) -> None:
    async with running(fresh_database, [COINS, *LEARNERS]) as lifecycle:
        event = ask(lifecycle)
        await lifecycle.writer.flush(5)
        with pytest.raises(WrongInput, match=r"learner: this decision is of generation_c.*'coins'"):
            await tell(lifecycle, event, "success", learner="coins")
    async with running(fresh_database, [COINS, LEARNERS[-1]]) as without:
        told = await tell(without, event, "success", {"seconds": 4})
        assert told.learners == (TIME,)  # the others are not there
    async with running(fresh_database, [COINS]) as alone:
        with pytest.raises(WrongInput, match=r"decision_id: it is of gen.*which this program does"):
            await tell(alone, event, "success")


async def test_a_key_of_several_that_have_nothing_in_common_needs_a_name(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, [COINS, *LEARNERS]) as lifecycle:
        form = {"task_description": "a form", "seconds": 3}
        await lifecycle.tell(Tell(verdict="pending", facts=form, key="k"), CALLER)
        await lifecycle.tell(Tell(verdict="success", facts={"coin": "a"}, key="k"), CALLER)
        mend = Tell(verdict="failure", corrects="k", key="later")
        with pytest.raises(WrongInput, match="learner: outcomes of coins, generation_time have"):
            await lifecycle.tell(mend, CALLER)
        told = await lifecycle.tell(replace(mend, learner="coins"), CALLER)
        assert (told.effect, told.learners) == ("correction", ("coins",))
        other = replace(mend, learner="", corrects="later", key="last", facts={"coin": "b"})
        await lifecycle.tell(other, CALLER)
        assert lifecycle.live("coins").fold.memory.coins == {"a": [0.0, 0.0], "b": [0.0, 1.0]}


def test_pending_says_nothing_to_a_learner_of_verdicts_only() -> None:
    assert dividing.said(COINS, "pending", {"heads": 1}) is None


async def test_without_the_database_nothing_is_stored_and_it_is_said(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        lifecycle.database = None
        with pytest.raises(NotStored, match=r"not stored: .* Repeat with the same key"):
            await tell(lifecycle, str(uuid.uuid4()), "pending", {"seconds": 3})
