"""Which template comes first, why, and what feedback does to it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from learners import training
from learners.catalog._ranking import exploring
from learners.catalog._ranking import memory as limits
from learners.catalog._ranking.columns import COLUMNS
from learners.catalog._ranking.exploring import reach
from learners.catalog._ranking.features import Likeness
from learners.catalog._ranking.labels import labels, used
from learners.catalog._ranking.memory import RankingMemory, observe
from learners.catalog._ranking.stems import stems
from learners.catalog._ranking.types import Ranking, RankingOutcome, RankingQuery, Template
from learners.catalog.template_ranking import LEARNER, known, templates
from learners.errors import Damaged, InvalidFacts, TooFewExamples
from learners.learner import Event, Example
from learners.replay import log, replay
from models import packing

DAY = 86_400.0
NOON = 1.7e9
ENTRIES: tuple[dict[str, Any], ...] = (
    {"name": "REST endpoint", "text": "a handler with paging", "language": "python"},
    {"name": "Migration", "text": "changes the schema of a database", "task_type": "database"},
    {"name": "Unit test", "text": "arrange act assert", "task_type": "testing"},
    {"name": "React form", "text": "a form with validation", "task_type": "frontend"},
)
NAMES = [entry["name"] for entry in ENTRIES]
WHOSE: tuple[dict[str, Any], ...] = ({"project": "p"}, {"user": "ann"})
assert LEARNER.extend is not None
learner = LEARNER.extend(ENTRIES)


def ask(
    task: str,
    memory: RankingMemory | None = None,
    params: Any = None,
    seed: int = 0,
    at: float = NOON,
    **more: Any,
) -> Ranking:
    query = RankingQuery.model_validate({"task_description": task, **more})
    rng = np.random.default_rng(seed)
    return learner.answer(params, memory or learner.memory(), query, at, rng)


def order(said: Ranking) -> list[str]:
    return [each.name for each in said.templates]


def tell(
    memory: RankingMemory,
    task: str,
    template: str,
    result: str = "success",
    times: int = 1,
    at: float = NOON - DAY,
    shown: Sequence[str] = (),
    **more: Any,
) -> RankingMemory:
    for _ in range(times):
        query = RankingQuery.model_validate({"task_description": task, **more})
        said = {"result": result, "template": template, "shown": shown}
        outcome = RankingOutcome.model_validate(said)
        observe(memory, Event(seq=1, query=query, outcome=outcome, known=at, asked=at))
    return memory


# without history


def test_cold_the_words_of_the_task_decide_and_no_probability_is_made_up() -> None:
    said = ask("change the schema of the orders table in the database")
    assert order(said)[0] == "Migration"
    assert (said.source, said.n, said.option) == ("rules", 0, "Migration")
    assert {each.probability for each in said.templates} == {None}
    assert "words in common with the task (change, schema, database)" in said.reasons[0]
    assert said.reasons[-1] == "no probability: seen 0 times, 5 are needed"
    scores = [each.score for each in said.templates]
    assert scores == sorted(scores, reverse=True)


def test_kind_language_and_tags_count_where_words_say_nothing() -> None:
    assert order(ask("do it", task_type="testing"))[0] == "Unit test"
    assert order(ask("do it", language=" Python "))[0] == "REST endpoint"
    said = ask("do it", task_type="frontend", k=4)
    assert "made for frontend tasks" in said.templates[0].reasons
    assert "made for testing tasks, not for frontend" in said.templates[-1].reasons
    given = [Template(name="A"), Template(name="B", tags=("Auth",), framework="fastapi")]
    said = ask("do it", candidates=given, tags=["auth"], framework="FastAPI")
    assert order(said) == ["B", "A"]
    assert {"tags in common: auth", "made for fastapi"} <= set(said.templates[0].reasons)


def test_a_word_that_only_names_the_language_is_no_match() -> None:
    given = [Template(name="A", text="python python"), Template(name="B", text="parse json")]
    assert order(ask("python parse", candidates=given))[0] == "A"
    assert order(ask("python parse", candidates=given, language="python"))[0] == "B"


def test_where_nothing_tells_them_apart_it_abstains_and_recommends_nothing() -> None:
    said = ask("zzz")
    assert (said.source, said.option, said.propensity) == ("abstained", None, None)
    assert said.reasons == ("nothing is known that would tell these templates apart for this task",)
    assert len(said.templates) == 4
    empty = LEARNER.answer(
        None, LEARNER.memory(), RankingQuery(task_description="a"), NOON, np.random.default_rng(0)
    )
    assert (empty.source, empty.templates) == ("abstained", ())
    assert empty.reasons == ("no template is known, and none was named in candidates",)


def test_templates_that_no_catalogue_has_are_compared_by_what_is_brought_along() -> None:
    given = ["Migration", Template(name="Terraform module", text="cloud network and storage")]
    said = ask("set up cloud storage", candidates=given)
    assert order(said) == ["Terraform module", "Migration"]
    named = ask("a docker image", candidates=["Docker image", "Migration"])
    assert order(named)[0] == "Docker image"  # only its name is known


def test_k_is_how_many_are_returned_and_all_are_compared() -> None:
    said = ask("a form", k=2)
    assert (len(said.templates), said.candidates) == (2, 4)


def test_the_order_in_which_equals_are_given_is_kept() -> None:
    query = RankingQuery(task_description="zzz", candidates=("Unit test", "Migration"))
    assert order(ask("zzz", candidates=query.candidates)) == ["Unit test", "Migration"]


# feedback


def test_a_rate_is_shown_only_from_five_sightings_on() -> None:
    memory = tell(learner.memory(), "a form", "React form", times=4)
    assert ask("a form", memory).templates[0].probability is None
    said = ask("a form", tell(memory, "a form", "React form"))
    assert (said.source, said.n) == ("observed", 5)
    assert said.templates[0].probability == pytest.approx((5 + 8 * 6 / 7) / 13)
    assert "served 5 of the 5 times it was seen" in said.templates[0].reasons


def test_templates_of_their_own_too_rarely_seen_get_the_pooled_rate() -> None:
    memory = learner.memory()
    for i in range(24):
        tell(memory, "a task", f"T{i % 6}", "success" if i % 4 else "failure")
    said = ask("a form", memory)
    assert (said.source, said.n) == ("base_rate", 0)
    assert said.templates[0].probability == pytest.approx(19 / 26)
    assert "18 of 24 templates seen so far served" in said.reasons


def test_feedback_moves_the_order() -> None:
    task = "validate the form against the schema of the database"
    memory = learner.memory()
    first, second = order(ask(task))[:2]
    tell(memory, "another", first, "failure", times=12)
    tell(memory, "another", second, "success", times=12)
    assert order(ask(task, memory))[0] == second


def test_a_task_like_those_that_a_template_served_finds_it_without_a_word_in_common() -> None:
    memory = tell(learner.memory(), "export invoices as spreadsheets", "Unit test", times=3)
    said = ask("export the spreadsheets", memory)
    assert said.option == "Unit test"
    assert "served tasks like this one" in said.reasons
    tell(memory, "export invoices as spreadsheets", "Unit test", "failure", times=9)
    assert "did not serve tasks like this one" in ask("export the spreadsheets", memory).reasons


def test_a_word_of_nearly_every_task_stops_counting() -> None:
    given = [Template(name="A", text="please"), Template(name="B", text="parse")]
    assert ask("please parse", candidates=given).templates[0].score == pytest.approx(
        ask("please parse", candidates=given).templates[1].score
    )
    memory = learner.memory()
    for i in range(40):
        tell(memory, f"please number{i}", "Other")
    assert order(ask("please parse", memory, candidates=given))[0] == "B"


def test_what_serves_one_kind_of_task_need_not_serve_another() -> None:
    memory = tell(learner.memory(), "x", "A", "success", 15, task_type="backend")
    tell(memory, "x", "A", "failure", 15, task_type="frontend")
    tell(memory, "x", "B", "success", 15, task_type="frontend")
    tell(memory, "x", "B", "failure", 15, task_type="backend")
    both = ("A", "B")
    assert order(ask("x", memory, candidates=both, task_type="backend"))[0] == "A"
    said = ask("x", memory, candidates=both, task_type="frontend")
    assert order(said)[0] == "B"
    assert "for frontend tasks served 15 of the 15 times it was seen" in said.reasons


def test_a_project_and_a_user_have_preferences_of_their_own() -> None:
    memory = learner.memory()
    for who in WHOSE:
        tell(memory, "x", "A", "success", 20, **who)
        tell(memory, "x", "A", "failure", 20)
        tell(memory, "x", "B", "success", 20)
        tell(memory, "x", "B", "failure", 20, **who)
    for who in WHOSE:
        assert order(ask("x", memory, candidates=("A", "B"), **who))[0] == "A"
        assert order(ask("x", memory, candidates=("B", "A"), **who))[0] == "A"


def test_what_served_of_late_counts_more_than_what_served_long_ago() -> None:
    memory = learner.memory()
    for name, then, now in (("A", "success", "failure"), ("B", "failure", "success")):
        tell(memory, "x", name, then, 20, at=NOON - 70 * DAY)
        tell(memory, "x", name, now, 20, at=NOON - DAY)
    said = ask("x", memory, candidates=("A", "B"))
    assert order(said)[0] == "B"
    assert any(reason.startswith("of late served") for reason in said.reasons)


def test_quality_and_seconds_that_were_told_are_columns() -> None:
    memory = learner.memory()
    query = RankingQuery(task_description="x")
    for quality, seconds in ((9.0, 10.0), (10.0, 30.0)):
        outcome = RankingOutcome(result="success", template="A", quality=quality, seconds=seconds)
        observe(memory, Event(seq=1, query=query, outcome=outcome, known=NOON, asked=NOON))
    row = dict(zip(COLUMNS, learner.features(memory, query, "A", NOON).tolist(), strict=True))
    assert row["quality"] == pytest.approx((19 + 15) / 5)
    assert row["seconds"] == pytest.approx(np.log1p(20), abs=1e-4)


# position, popularity, exploration


def test_what_stands_above_was_passed_over_and_what_stands_below_says_nothing() -> None:
    query = RankingQuery(task_description="x")
    outcome = RankingOutcome(result="success", template="B", shown=("A", "B", "C", "A"))
    assert labels(query, outcome) == (("A", 0.0, 1.0), ("B", 1.0, 1.0))
    unseen = RankingOutcome(result="neutral", template="D", shown=("A", "B"))
    assert labels(query, unseen) == (("D", 0.0, 1.0),)
    memory = tell(learner.memory(), "x", "B", shown=("A", "B", "C"))
    assert memory.cells["template"] == {"A": [0, 0, 1], "B": [1, 0, 0]}


def test_being_shown_and_used_often_is_no_merit_by_itself() -> None:
    query = RankingQuery(task_description="do it", candidates=("Rare", "Popular"))
    memory = learner.memory()
    for name, times in (("Rare", 12), ("Popular", 600)):
        tell(memory, "x", name, "success", times // 2)
        tell(memory, "x", name, "failure", times // 2)
    rows = [learner.features(memory, query, name, NOON) for name in ("Rare", "Popular")]
    success = COLUMNS.index("success")
    assert rows[0][success] == pytest.approx(rows[1][success], abs=0.01)
    assert not {"usage_count", "exposures", "template_id"} & set(COLUMNS)
    more = tell(tell(learner.memory(), "x", "Rare", "success", 9), "x", "Popular", "success", 300)
    tell(more, "x", "Rare", "failure", 1)
    tell(more, "x", "Popular", "failure", 300)
    assert order(ask("do it", more, candidates=query.candidates))[0] == "Rare"


def test_the_first_place_is_dealt_out_among_near_ties_with_the_stated_chances() -> None:
    given = [Template(name=name, text="parse json") for name in "ABCDEF"]
    times = 3000
    said = [ask("parse json", seed=seed, candidates=given) for seed in range(times)]
    chances = {each.option: each.propensity or 0.0 for each in said}
    assert chances == {"A": pytest.approx(0.925), **dict.fromkeys("BCD", pytest.approx(0.025))}
    assert sum(chances.values()) == pytest.approx(1.0)
    for name, chance in chances.items():
        share = sum(each.option == name for each in said) / times
        assert share == pytest.approx(chance, abs=4 * (chance * (1 - chance) / times) ** 0.5)
    other = next(each for each in said if each.option != "A")
    assert other.reasons[-1].startswith("put before A, which is as good as equal")
    assert order(other)[:2] == [other.option, "A"]


def test_what_is_clearly_worse_or_well_known_is_not_tried() -> None:
    assert exploring.near_ties([2.0, 1.2, 0.0], [0, 0, 0]) == [0]
    assert exploring.near_ties([2.0, 1.6, 1.6], [0, 100, 50]) == [0]
    assert exploring.near_ties([2.0, 1.6, 1.9], [900, 0, 8]) == [0, 1, 2]
    assert exploring.near_ties([1.0] * 6, [9, 9, 9, 0, 0, 9]) == [0, 3, 4, 1]  # least tried first
    assert ask("change the schema of a database").propensity == 1.0


def test_an_early_lead_is_not_kept_for_ever() -> None:
    """Two equal templates, one of which had luck: both go on being tried (X-35)."""
    rng, memory, given = np.random.default_rng(3), learner.memory(), ("Lucky", "Other")
    tell(memory, "x", "Lucky", times=5)
    first = dict.fromkeys(given, 0)
    for i in range(400):
        query = RankingQuery(task_description="do it", candidates=given)
        said = learner.answer(None, memory, query, NOON + i, rng)
        taken = said.option or "Lucky"
        first[taken] += 1
        result = "success" if rng.random() < 0.6 else "failure"
        tell(memory, "do it", taken, result, at=NOON + i, shown=order(said))
    assert first["Other"] >= 5
    assert reach(sum(memory.cells["template"]["Other"])) > 0.3  # and is not given up


# the outcome


def test_an_outcome_is_completed_by_the_answer_it_is_about() -> None:
    said = ask("a form with validation").model_dump(mode="json")
    blank = RankingOutcome(result="success").model_dump(mode="json")
    complete = used({}, blank, said, None)
    assert complete.option == "React form"
    assert complete.outcome["shown"] == [each["name"] for each in said["templates"]]
    other = used({}, {**blank, "template": "Migration"}, said, False)
    assert other.option == "Migration"
    alone = used({"candidates": [{"name": "Only"}]}, blank, None, None)
    assert (alone.option, alone.outcome["shown"]) == ("Only", [])
    for answer, followed in ((said, False), (None, None), ({**said, "option": None}, None)):
        with pytest.raises(InvalidFacts, match=r"^facts\.template: expected the name"):
            used({"candidates": ["A", "B"]}, blank, answer, followed)


def test_an_outcome_in_a_word_is_about_the_only_candidate() -> None:
    outcome = RankingOutcome.model_validate("failure")
    query = RankingQuery(task_description="x", candidates=("A",))
    assert labels(query, outcome) == (("A", 0.0, 1.0),)
    assert labels(RankingQuery(task_description="x"), outcome) == ()
    with pytest.raises(ValidationError, match="expected success, neutral or failure, or an object"):
        RankingOutcome.model_validate("great")


def test_an_outcome_that_does_not_say_of_what_teaches_nothing() -> None:
    memory = learner.memory()
    query = RankingQuery(task_description="x")
    blank = RankingOutcome(result="success")
    observe(memory, Event(seq=1, query=query, outcome=blank, known=NOON, asked=NOON))
    assert memory == learner.memory()


def test_a_text_can_be_dropped_without_changing_a_feature() -> None:
    query = RankingQuery(task_description="parse JSON files; password=hunter2secret")
    stored = {**query.model_dump(mode="json"), "task_description": "[redacted]"}
    again = RankingQuery.model_validate(stored)
    for name in NAMES:
        one = learner.features(learner.memory(), query, name, NOON)
        assert np.array_equal(one, learner.features(learner.memory(), again, name, NOON))
    assert learner.group(query) == learner.group(again)
    brought = Template(name="A", text="secret words").model_dump_json()
    assert "secret" not in brought
    assert "hunter" not in json.dumps({**stored, "stems": list(query.stems)})


def test_stems_meet_where_words_differ_by_their_ending() -> None:
    assert stems("iterating a migration") == stems("the iterator migrated")
    assert stems("") == ()


# memory


def test_it_is_bounded_and_the_smallest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LEVELS", {**limits.LEVELS, "template": 32, "project": 32})
    monkeypatch.setattr(limits, "TOLD", 8)
    monkeypatch.setattr(limits, "ASKED", 32)
    memory = tell(learner.memory(), "often", "Often", times=9, project="often")
    for i in range(200):
        tell(memory, f"word{'abcdefghij'[i % 10]}{i}", f"T{i}", project=f"p{i}")
        tell(memory, "often", "Often", project="often")
    assert len(memory.cells["template"]) <= 32
    assert len(memory.cells["project"]) <= 32
    assert len(memory.told) <= 8
    assert len(memory.asked) <= 32
    assert len(memory.recent) <= 32
    assert memory.cells["template"]["Often"] == [209, 0, 0]
    assert memory.cells["all"][""][0] == 409


def test_a_template_keeps_its_most_frequent_stems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOLD_STEMS", 16)
    memory = tell(learner.memory(), "orders", "A", times=5)
    for i in range(60):
        tell(memory, f"orders {'abcdefghij'[i % 10] * 3}{'klmnop'[i % 6] * 3}", "A")
    assert len(memory.told["A"]) <= 16
    assert memory.told["A"][stems("orders")[0]] == [65, 0]


def test_a_correction_takes_back_exactly_and_what_was_evicted_is_not_taken_back_twice() -> None:
    examples = [LEARNER.specimen(np.random.default_rng(seed)) for seed in range(40)]
    entries = log(examples)
    whole, less = replay(LEARNER, entries).memory, replay(LEARNER, entries[1:]).memory
    first = entries[0].event
    limits.fold(whole, first, -1)
    assert whole == less
    empty = learner.memory()
    limits.fold(empty, first, -1)
    assert all(not cells for cells in empty.cells.values())
    assert (empty.told, empty.asked, empty.recent, empty.worth) == ({}, {}, {}, {})


def test_tasks_without_a_word_are_like_none() -> None:
    memory = tell(learner.memory(), "orders", "A")
    assert Likeness(memory, {}, lambda stem: 1.0).of("A") == (0.0, 0.0)


# fitted versions


def history(n: int, seed: int = 0) -> list[Example[RankingQuery, RankingOutcome]]:
    rng = np.random.default_rng(seed)
    return sorted((LEARNER.specimen(rng) for _ in range(n)), key=lambda each: each.known)


@pytest.fixture(scope="module")
def run() -> Any:
    entries = log(history(500))
    result = training.train(LEARNER, entries, None, np.random.default_rng(0), report=False)
    return result, replay(LEARNER, entries).memory


def test_a_version_that_is_better_is_admitted_and_explains_itself(run: Any) -> None:
    result, memory = run
    assert (result.result, result.candidate in LEARNER.candidates) == ("admitted", True), (
        result.reason
    )
    query = RankingQuery(
        task_description="add a unit test", candidates=("Unit Test", "Docker Image", "React Form")
    )
    said = LEARNER.answer(result.params, memory, query, 1.8e9, np.random.default_rng(0))
    assert (said.source, order(said)[0]) == ("model", "Unit Test")
    assert all(each.reasons for each in said.templates)
    found = [each.probability or 0.0 for each in said.templates]
    assert all(one >= other for one, other in pairwise(found))
    assert found[0] > 0.7
    assert found[-1] < 0.4


@pytest.mark.parametrize("name", list(LEARNER.candidates))
def test_every_candidate_puts_the_fitting_template_first(name: str, run: Any) -> None:
    entries = log(history(500))
    split = training.divide(LEARNER, entries)
    params = LEARNER.candidates[name](split.train, np.random.default_rng(0))
    query = RankingQuery(
        task_description="a database migration", candidates=("React Form", "Database Migration")
    )
    said = LEARNER.answer(params, run[1], query, 1.8e9, np.random.default_rng(0))
    assert order(said)[0] == "Database Migration"
    assert said.templates[0].reasons


def test_too_little_is_said_in_numbers() -> None:
    table = training.divide(LEARNER, log(history(120))).train
    few = table.take(np.arange(8))
    for fit in LEARNER.candidates.values():
        with pytest.raises(TooFewExamples, match=r"8 told templates of \d tasks; needs 20 of 5"):
            fit(few, np.random.default_rng(0))
        with pytest.raises(TooFewExamples, match="only one kind of outcome"):
            fit(table.take(np.flatnonzero(table.y > 0.5)), np.random.default_rng(0))
    alone = np.unique(table.example, return_index=True)[1]
    with pytest.raises(TooFewExamples, match="lists in which one template was taken before"):
        LEARNER.candidates["lambdarank"](table.take(alone), np.random.default_rng(0))


def test_outcomes_dealt_out_at_random_promote_nothing() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        examples = [
            Example(
                query=RankingQuery(
                    task_description=f"task {rng.integers(50)}", candidates=tuple(NAMES)
                ),
                outcome=RankingOutcome(
                    result="success" if rng.random() < 0.6 else "failure",
                    template=str(rng.choice(NAMES)),
                ),
                asked=NOON + i,
                known=NOON + i + 0.5,
            )
            for i in range(240)
        ]
        result = training.train(learner, log(examples), None, rng, requested=True, report=False)
        assert result.result != "admitted", result.reason


@pytest.mark.parametrize(
    "change",
    [
        {"columns": "other"},
        {"kind": "network"},
        {"calibrator": [1.0, 0.0, "magic"]},
        {"calibrator": [1.0]},
        {"rows": None},
    ],
)
def test_params_of_another_shape_are_refused(change: dict[str, Any], run: Any) -> None:
    manifest, arrays = packing.unpack(LEARNER.dump(run[0].params))
    with pytest.raises(Damaged, match=r"^not a ranking model"):
        LEARNER.load(packing.pack({**manifest, **change}, arrays))


def test_params_of_another_width_are_refused(run: Any) -> None:
    manifest, _ = packing.unpack(LEARNER.dump(run[0].params))
    narrow = {"coefficients": np.zeros(4), "centre": np.zeros(3)}
    with pytest.raises(Damaged, match=r"^not a ranking model"):
        LEARNER.load(packing.pack({**manifest, "kind": "linear"}, narrow))
    table = training.divide(LEARNER, log(history(30))).train
    with pytest.raises(Damaged, match="rows have 2 columns"):
        LEARNER.score(run[0].params, replace(table, x=table.x[:, :2]))


# the catalogue


def test_entries_are_checked_and_of_the_same_name_the_last_one_counts() -> None:
    twice = LEARNER.extend(({"name": "A", "text": "old"}, {"name": "A", "text": "new"}))  # type: ignore[misc]
    query = RankingQuery(task_description="new")
    said = twice.answer(None, twice.memory(), query, NOON, np.random.default_rng(0))
    assert order(said) == ["A"]
    assert said.source == "rules"
    for entry, wrong in (
        ({"name": ""}, "name: expected at least 1 character"),
        ({"name": "A\nB"}, "name: expected a printable name"),
        ({"name": "A", "text": "a\0b"}, "text: expected text without NUL"),
        ({"name": "A", "text": "x" * 20_001}, "text: expected at most 20000 characters"),
        ({"name": "A", "task_type": "tea"}, "task_type: expected 'backend'"),
        ({"name": "A", "complexity": 11}, "complexity: expected less than or equal to 10"),
        ({"name": "A", "colour": 1}, "colour: is not a field"),
    ):
        with pytest.raises(InvalidFacts, match=r"^not a template: ") as error:
            templates([entry])
        assert wrong in str(error.value)


def test_a_retired_template_is_ranked_only_where_it_is_named() -> None:
    retired = LEARNER.extend((*ENTRIES[:3], {**ENTRIES[3], "retired": True}))  # type: ignore[misc]
    rng = np.random.default_rng(0)
    query = RankingQuery(task_description="a form")
    assert retired.options(retired.memory(), query) == tuple(NAMES[:3])
    named = query.model_copy(update={"candidates": ("React form",)})
    said = retired.answer(None, retired.memory(), named, NOON, rng)
    assert said.warnings == ("retired: React form",)


def test_known_are_the_described_and_those_of_which_something_was_told() -> None:
    memory = tell(learner.memory(), "x", "Own template")
    assert known(ENTRIES, memory) == (*NAMES, "Own template")
