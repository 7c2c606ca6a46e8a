"""What is learned of generations: of agents, tasks, words, settings, and combinations."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from learners.catalog import (
    generation_complexity,
    generation_quality,
    generation_success,
    generation_time,
)
from learners.catalog._generation.features import COLUMNS, NEW
from learners.catalog._generation.memory import LEVELS, MOST_TASKS
from learners.catalog._generation.text import described
from learners.catalog._generation.types import (
    ComplexityOutcome,
    GenerationQuery,
    Measured,
    SuccessOutcome,
    TimeOutcome,
)
from learners.errors import TooFewExamples
from learners.learner import AnyExample, AnyLearner, Example
from learners.replay import Rows, asked, log, replay

SUCCESS = generation_success.LEARNER
NOBODY = np.random.default_rng(0)
DAY = 86_400.0
NOW = 1.75e9


def told(
    n: int,
    outcome: Callable[[int], Any],
    query: Callable[[int], GenerationQuery] = lambda i: GenerationQuery(task_key=f"t{i}"),
) -> list[AnyExample]:
    return [
        Example(query=query(i), outcome=outcome(i), asked=NOW + 60 * i, known=NOW + 60 * i + 1)
        for i in range(n)
    ]


def approve(i: int) -> SuccessOutcome:
    return SuccessOutcome(action="approve")


def reject(i: int) -> SuccessOutcome:
    return SuccessOutcome(action="reject")


def memory_of(examples: Sequence[AnyExample], learner: AnyLearner = SUCCESS) -> Any:
    return replay(learner, log(examples)).memory


def answer(learner: AnyLearner, memory: Any, query: GenerationQuery, params: Any = None) -> Any:
    return learner.answer(params, memory, query, NOW + 10 * DAY, NOBODY)


def value(row: Any, column: str) -> float:
    return float(row[COLUMNS.index(column)])


def features(memory: Any, query: GenerationQuery, option: str | None = None) -> Any:
    return SUCCESS.features(memory, query, option, NOW + DAY)


def test_words_are_matched_as_words() -> None:
    said = described("Email the state of the remodelled house to Aida, in detail")
    assert (said.complex_words, said.technical_terms, said.flags) == (0, 1, ())  # "state"
    assert described("Use an AI model").complex_words == 2


def test_requirements_are_items_and_demands_not_dashes_in_prose() -> None:
    text = "Well - a page\n- it must load\n2. it should print\n* fast"
    assert described(text).requirements == 5


def test_features_read_the_numbers_of_the_text_never_the_text() -> None:
    query = GenerationQuery(task_description="Build a login API. It must validate e-mail.")
    without = query.model_copy(update={"task_description": "sha256:0"})
    memory = memory_of(told(30, approve, lambda i: query))
    assert np.array_equal(features(memory, query), features(memory, without))
    again = GenerationQuery.model_validate(without.model_dump(mode="json"))
    assert again == without


def test_an_unseen_framework_is_unseen_and_not_the_first_one() -> None:
    seen = lambda i: GenerationQuery(task_key=f"t{i}", framework="fastapi")  # noqa: E731
    memory = memory_of(told(40, approve, seen))
    known, new = (
        features(memory, GenerationQuery(framework=name)) for name in ("fastapi", "leptos")
    )
    assert value(known, "framework_n") > 0
    assert value(new, "framework_n") == 0
    assert value(new, "framework_effect") == 0


def test_hours_and_weekdays_are_neighbours_round_the_clock() -> None:
    def clock(at: float, offset: int = 0) -> list[float]:
        row = SUCCESS.features(memory_of([]), GenerationQuery(utc_offset=offset), None, at)
        return [value(row, name) for name in ("hour_sin", "hour_cos")]

    midnight = 1_750_032_000.0 // DAY * DAY
    late, early = clock(midnight + 23.5 * 3600), clock(midnight + 24.5 * 3600)
    assert np.linalg.norm(np.subtract(late, early)) < 0.3
    assert clock(midnight, 60) == pytest.approx(clock(midnight + 3600), abs=1e-3)


def test_the_same_task_told_before_is_the_strongest_evidence() -> None:
    mixed = told(200, lambda i: approve(i) if i % 2 else reject(i))
    of_task = [
        replace(each, query=GenerationQuery(task_key="hard"), outcome=reject(0))
        for each in told(6, reject)
    ]
    memory = memory_of([*mixed, *of_task])
    hard, other = (answer(SUCCESS, memory, GenerationQuery(task_key=key)) for key in ("hard", "x"))
    assert hard.source == "observed"
    assert hard.n == 6
    assert "this very task (6 outcomes)" in hard.reasons[0]
    assert hard.probability < 0.3 < other.probability


def test_a_task_of_one_name_in_two_projects_is_two_tasks() -> None:
    memory = memory_of(
        told(8, reject, lambda i: GenerationQuery(task_key="issue-1", project="one"))
    )
    mine = features(memory, GenerationQuery(task_key="issue-1", project="one"))
    theirs = features(memory, GenerationQuery(task_key="issue-1", project="two"))
    assert value(mine, "task_n") > 0
    assert value(theirs, "task_n") == 0


def test_a_near_twin_is_recognised_by_its_words() -> None:
    def query(i: int) -> GenerationQuery:
        return GenerationQuery(task_description=f"Sum column {i} of the quarterly ledger export")

    memory = memory_of(told(20, reject, query))
    near = GenerationQuery(task_description="Sum column of the quarterly ledger export, please")
    far = GenerationQuery(task_description="Paint the menu green")
    assert value(features(memory, near), "twin_similarity") > 0.3
    assert value(features(memory, far), "twin_similarity") == 0
    said = GenerationQuery(task_description="Paint it", similar_to="key", similarity=0.9)
    named = memory_of(told(6, reject, lambda i: GenerationQuery(task_key="key")))
    assert value(features(named, said), "twin_similarity") == pytest.approx(0.9)


def test_as_if_new_hides_what_was_told_of_the_task_and_nothing_else() -> None:
    query = GenerationQuery(task_key="t", agent="a")
    memory = memory_of(told(20, reject, lambda i: query))
    row, hidden = features(memory, query), features(memory, query, NEW)
    assert value(row, "task_n") > 0 == value(hidden, "task_n")
    assert value(row, "agent_n") == value(hidden, "agent_n") > 0


def test_with_too_few_outcomes_it_says_how_many_are_missing() -> None:
    found = answer(SUCCESS, memory_of(told(4, approve)), GenerationQuery(task_key="z"))
    assert (found.source, found.probability, found.risk) == ("abstained", None, "unknown")
    assert "20 outcomes are needed" in found.reasons[0]
    assert "4 are known" in found.reasons[0]


def test_fresh_outcomes_count_more_than_those_long_ago() -> None:
    old = told(30, reject)
    fresh = [
        replace(each, asked=each.asked + 300 * DAY, known=each.known + 300 * DAY)
        for each in told(30, approve)
    ]
    memory = memory_of([*old, *fresh])
    later = SUCCESS.answer(None, memory, GenerationQuery(), NOW + 301 * DAY, NOBODY)
    assert later.probability is not None
    assert later.probability > 0.8


def test_an_adjustment_is_offered_only_where_outcomes_support_it() -> None:
    def query(i: int) -> GenerationQuery:
        return GenerationQuery(task_key=f"t{i}", rag_examples=5 if i % 2 else 0, agent="a")

    rare = lambda i: approve(i) if i % 2 and i % 4 == 1 else reject(i)  # noqa: E731
    memory = memory_of(told(160, rare, query))
    risky = answer(SUCCESS, memory, GenerationQuery(agent="a"))
    assert risky.risk == "very_high"
    assert [each.setting for each in risky.adjustments] == ["retrieve 5 examples"]
    even = memory_of(told(160, lambda i: approve(i) if i % 8 < 2 else reject(i), query))
    assert answer(SUCCESS, even, GenerationQuery(agent="a")).adjustments == ()


def test_a_trained_model_beats_the_constant_on_later_outcomes_and_explains_itself() -> None:
    rng = np.random.default_rng(3)

    def query(i: int) -> GenerationQuery:
        return GenerationQuery(task_key=f"t{i}", agent="ab"[i % 2], language="go")

    luck = rng.random(400)
    examples = told(400, lambda i: (approve if luck[i] < (0.9, 0.3)[i % 2] else reject)(i), query)
    entries = log(examples)
    rows = Rows(SUCCESS)
    replay(SUCCESS, entries, asked(SUCCESS, entries), rows.add)
    params = SUCCESS.candidates["additive"](rows.table(), rng)
    memory = memory_of(examples)
    able, poor = (
        answer(SUCCESS, memory, GenerationQuery(agent=name, language="go"), params) for name in "ab"
    )
    assert able.source == "model"
    assert able.probability == pytest.approx(0.9, abs=0.12)
    assert poor.probability == pytest.approx(0.3, abs=0.12)
    assert any(reason.startswith("more likely: ") for reason in able.reasons)
    assert any(reason.startswith("less likely: ") for reason in poor.reasons)


def test_one_kind_of_outcome_alone_teaches_no_model() -> None:
    entries = log(told(60, approve))
    rows = Rows(SUCCESS)
    replay(SUCCESS, entries, asked(SUCCESS, entries), rows.add)
    with pytest.raises(TooFewExamples, match="only one kind of outcome"):
        SUCCESS.candidates["additive"](rows.table(), NOBODY)


def test_the_cheapest_agent_within_the_margin_is_chosen() -> None:
    def query(i: int) -> GenerationQuery:
        return GenerationQuery(task_key=f"t{i}", agent=("dear", "cheap", "poor")[i % 3])

    success = memory_of(told(300, lambda i: (reject if i % 3 == 2 else approve)(i), query))
    costs = memory_of(
        told(300, lambda i: TimeOutcome(cost_usd=(4.0, 0.5, 0.1)[i % 3]), query),
        generation_time.LEARNER,
    )
    found = generation_success.routing((None, success), costs, GenerationQuery(), NOW + DAY)
    assert found.chosen is not None
    assert found.chosen.name == "cheap"
    assert found.chosen.usd == pytest.approx(0.5)
    assert "within 0.02 of" in found.reason
    nothing = generation_success.routing((None, memory_of([])), costs, GenerationQuery(), NOW)
    assert nothing.chosen is None
    assert "no agent has 5 judged generations yet" in nothing.reason


def test_a_combination_that_does_better_than_its_parts_is_found() -> None:
    rng = np.random.default_rng(1)
    who = [(str(rng.choice(["a", "b"])), str(rng.choice(["go", "rust"]))) for _ in range(400)]

    def outcome(i: int) -> SuccessOutcome:
        return approve(i) if (who[i] == ("a", "go")) or (i % 2 and who[i][0] == "b") else reject(i)

    examples = told(
        400,
        outcome,
        lambda i: GenerationQuery(task_key=f"t{i}", agent=who[i][0], language=who[i][1]),
    )
    found = generation_success.emerging(memory_of(examples))
    assert "language=go & agent=a" in {each.what for each in found}


def test_equal_combinations_are_no_pattern() -> None:
    rng = np.random.default_rng(2)
    discoveries = 0
    for _ in range(20):
        good = rng.random(200) < 0.6
        names = rng.integers(0, 3, (200, 2))
        memory = memory_of(
            told(
                200,
                lambda i, good=good: (approve if good[i] else reject)(i),  # type: ignore[misc]
                lambda i, names=names: GenerationQuery(  # type: ignore[misc]
                    task_key=f"t{i}", agent=f"a{names[i, 0]}", language=f"l{names[i, 1]}"
                ),
            )
        )
        discoveries += bool(generation_success.emerging(memory))
    assert discoveries <= 3  # twenty histories without any pattern, 5 % allowed in each


def test_the_memory_stays_bounded() -> None:
    n = MOST_TASKS + 500
    memory = memory_of(
        told(n, approve, lambda i: GenerationQuery(task_description=f"unheard{i} of word{i}"))
    )
    assert len(memory.tasks) <= MOST_TASKS
    assert all(task in memory.tasks for found in memory.leads.values() for task in found)
    assert all(len(cells) <= LEVELS[lv][1] for lv, cells in memory.cells.items() if lv in LEVELS)


def test_complexity_is_told_or_measured_of_the_code() -> None:
    learner = generation_complexity.LEARNER
    query = GenerationQuery()
    judged = learner.labels(query, ComplexityOutcome(complexity=6.5))
    assert judged[0].y == 6.5
    code = ComplexityOutcome(measured=Measured(cyclomatic_complexity=7))
    assert learner.labels(query, code)[0].y == pytest.approx(3.0)
    points = generation_complexity.learner(100.0)
    assert points.labels(query, ComplexityOutcome(complexity=40.0))[0].y == 40.0


@pytest.mark.parametrize(
    ("learner", "outcome", "middle"),
    [
        (generation_time.LEARNER, lambda i: TimeOutcome(seconds=30.0 * 2 ** (i % 3)), 60.0),
        (generation_complexity.LEARNER, lambda i: ComplexityOutcome(complexity=3.0 + i % 3), 4.0),
    ],
    ids=["time", "complexity"],
)
def test_values_are_answered_with_an_interval_that_holds_what_was_told(
    learner: AnyLearner, outcome: Callable[[int], Any], middle: float
) -> None:
    found = answer(learner, memory_of(told(120, outcome), learner), GenerationQuery())
    assert found.source in ("base_rate", "observed")
    assert found.low <= middle <= found.high
    assert found.value == pytest.approx(middle, rel=0.2)


def test_a_self_review_alone_is_no_label() -> None:
    from learners.catalog._generation.types import QualityOutcome

    learner = generation_quality.LEARNER
    assert learner.labels(GenerationQuery(), QualityOutcome(self_review=9.0)) == ()
    assert learner.labels(GenerationQuery(), QualityOutcome(quality=4.0))[0].y == 4.0


def test_a_cost_without_a_time_is_kept_and_labels_nothing() -> None:
    learner = generation_time.LEARNER
    only = TimeOutcome(cost_usd=2.0)
    assert learner.labels(GenerationQuery(), only) == ()
    memory = memory_of(told(9, lambda i: only, lambda i: GenerationQuery(agent="a")), learner)
    assert memory.outcomes == 0
    assert memory.cells["cost"]
