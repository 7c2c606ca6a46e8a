"""Every promise of the contract, kept by every learner of the catalog."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest

from learners import codec
from learners.errors import NotYet, Refused
from learners.learner import AnyExample, AnyLearner, Choice, Event, Table
from learners.registry import catalog
from learners.replay import Asked, Entry, Rows, asked, log, replay, start

LEARNERS = list(catalog().values())
N = 160

pytestmark = pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)


def specimens(learner: AnyLearner, n: int = N, seed: int = 0) -> list[AnyExample]:
    rng = np.random.default_rng(seed)
    return sorted((learner.specimen(rng) for _ in range(n)), key=lambda each: each.known)


def table(learner: AnyLearner, examples: Iterable[AnyExample]) -> Table:
    entries = log(list(examples))
    rows = Rows(learner)
    replay(learner, entries, asked(learner, entries), rows.add)
    return rows.table()


def fitted(learner: AnyLearner) -> dict[str, object]:
    """Every candidate's params on the specimens: dear, so made once."""
    return _fitted(learner.name)


@cache
def _fitted(name: str) -> dict[str, object]:
    learner = catalog()[name]
    rows = table(learner, specimens(learner))
    found = dict[str, object]()
    for candidate, fit in learner.candidates.items():
        try:
            found[candidate] = fit(rows, np.random.default_rng(7))
        except NotYet:
            continue
    return found


def told(learner: AnyLearner, query: Any, word: Literal["success", "neutral", "failure"]) -> Any:
    """The outcome of a verdict about an answer, as telling makes it."""
    outcome = learner.verdict(word)
    if learner.used is None or outcome is None:
        return outcome
    nobody = np.random.default_rng(0)
    answer = learner.answer(None, start(learner).memory, query, 2e9, nobody)
    asked, said = query.model_dump(mode="json"), outcome.model_dump(mode="json")
    complete = learner.used(asked, said, answer.model_dump(mode="json"), None)
    return learner.outcome.model_validate(complete.outcome)


def test_its_types_survive_json(learner: AnyLearner) -> None:
    for example in specimens(learner, 20):
        query = example.query.model_dump(mode="json")
        outcome = example.outcome.model_dump(mode="json")
        assert learner.query.model_validate(query) == example.query
        assert learner.outcome.model_validate(outcome) == example.outcome


def test_its_memory_survives_freezing_exactly(learner: AnyLearner) -> None:
    fold = replay(learner, log(specimens(learner)))
    data = codec.freeze(fold)
    thawed = codec.thaw(learner, fold.seq, data)
    assert codec.freeze(thawed) == data


def test_a_damaged_snapshot_is_refused(learner: AnyLearner) -> None:
    data = codec.freeze(replay(learner, log(specimens(learner, 10))))
    with pytest.raises(Refused, match=learner.name):
        codec.thaw(learner, 1, data[: len(data) // 2])


def test_a_correction_undoes_exactly(learner: AnyLearner) -> None:
    examples = specimens(learner, 30)
    entries = log(examples)
    before = entries[4].event
    other = entries[9].event.outcome
    correction = Event(
        seq=31, query=before.query, outcome=other, known=2e9, asked=before.asked, replaced=before
    )
    back = Event(
        seq=32,
        query=before.query,
        outcome=before.outcome,
        known=2e9,
        asked=before.asked,
        replaced=Event(seq=31, query=before.query, outcome=other, known=2e9, asked=before.asked),
    )
    plain = replay(learner, entries)
    there_and_back = replay(learner, [*entries, Entry(event=correction), Entry(event=back)])
    assert learner.evidence(there_and_back.memory) == learner.evidence(plain.memory)
    answers = [
        learner.answer(None, fold.memory, before.query, 2e9, np.random.default_rng(0))
        for fold in (there_and_back, plain)
    ]
    assert answers[0] == answers[1]


def test_features_are_named_finite_float32_and_leave_the_memory_alone(learner: AnyLearner) -> None:
    fold = replay(learner, log(specimens(learner)))
    frozen = codec.freeze(fold)
    for example in specimens(learner, 20, seed=1):
        for option in learner.options(fold.memory, example.query):
            row = learner.features(fold.memory, example.query, option, example.asked)
            assert row.dtype == np.float32
            assert row.shape == (len(learner.columns),)
            assert np.isfinite(row).all()
    assert codec.freeze(fold) == frozen
    assert len(set(learner.columns)) == len(learner.columns)


def test_an_empty_memory_answers_without_a_probability_it_cannot_know(learner: AnyLearner) -> None:
    memory = start(learner).memory
    for example in specimens(learner, 10):
        advice = learner.answer(
            None, memory, example.query, example.asked, np.random.default_rng(0)
        )
        assert advice.source in ("rules", "abstained")
        assert advice.n == 0
        assert advice.reasons
        for option in learner.options(memory, example.query):
            assert learner.predicted(advice).get(option) is None


def test_the_same_seed_gives_the_same_params(learner: AnyLearner) -> None:
    rows = table(learner, specimens(learner))
    for name, params in fitted(learner).items():
        again = learner.candidates[name](rows, np.random.default_rng(7))
        assert learner.dump(again) == learner.dump(params), name


def test_params_survive_dump_and_load_and_score_the_same(learner: AnyLearner) -> None:
    rows = table(learner, specimens(learner, seed=2))
    for name, params in fitted(learner).items():
        loaded = learner.load(learner.dump(params))
        assert np.array_equal(learner.score(loaded, rows), learner.score(params, rows)), name


def test_damaged_params_are_refused_with_a_reason(learner: AnyLearner) -> None:
    for params in fitted(learner).values():
        data = learner.dump(params)
        for damaged in (data[: len(data) // 2], b"", bytes(100), data[:60] + b"\0" + data[61:]):
            if damaged != data:
                with pytest.raises(Refused):
                    learner.load(damaged)


def test_the_answer_shows_the_probability_that_is_scored(learner: AnyLearner) -> None:
    fold = replay(learner, log(specimens(learner)))
    for name, params in fitted(learner).items():
        for example in specimens(learner, 30, seed=3):
            labels = [x for x in learner.labels(example.query, example.outcome) if x.weight > 0]
            rows = Rows(learner)
            question = Asked(example=example, labels=tuple(labels), group="", position=0, settled=0)
            rows.add(fold.memory, question)
            scored = learner.score(params, rows.table())
            advice = learner.answer(
                params, fold.memory, example.query, example.asked, np.random.default_rng(0)
            )
            for label, p in zip(labels, scored, strict=True):
                said = learner.predicted(advice).get(label.option)
                if said is not None and advice.source == "model":
                    assert said == pytest.approx(p, abs=1e-6), name


def test_scores_are_in_range_and_do_not_depend_on_the_company(learner: AnyLearner) -> None:
    rows = table(learner, specimens(learner, seed=4))
    for name, params in fitted(learner).items():
        whole = learner.score(params, rows)
        if learner.scoring.kind == "probability":
            assert ((whole >= 0) & (whole <= 1)).all(), name
        assert np.isfinite(whole).all(), name
        for example in list(dict.fromkeys(rows.example.tolist()))[:10]:
            alone = np.flatnonzero(rows.example == example)
            single = learner.score(params, rows.take(alone))
            assert whole[alone] == pytest.approx(single, abs=1e-6), name


def test_constant_outcomes_and_single_rows_do_not_crash(learner: AnyLearner) -> None:
    rows = table(learner, specimens(learner))
    same = rows.take(np.flatnonzero(rows.y == rows.y[0]))
    for fit in learner.candidates.values():
        for few in (same, rows.take(np.array([0]))):
            try:
                params = fit(few, np.random.default_rng(0))
            except NotYet:
                continue
            assert np.isfinite(learner.score(params, rows)).all()


def test_a_verdict_is_an_outcome_and_neutral_labels_nothing_as_failure(learner: AnyLearner) -> None:
    query = specimens(learner, 1)[0].query
    if learner.scoring.kind == "value":
        assert {learner.verdict(word) for word in ("success", "neutral", "failure")} == {None}
        return
    success = [x for x in learner.labels(query, told(learner, query, "success")) if x.weight > 0]
    failure = [x for x in learner.labels(query, told(learner, query, "failure")) if x.weight > 0]
    assert all(label.y == 1 for label in success)
    assert success
    assert all(label.y == 0 for label in failure)


def test_a_step_that_adds_nothing_new_changes_nothing_that_is_believed(
    learner: AnyLearner,
) -> None:
    if not learner.steps:
        pytest.skip(f"{learner.name} is told its outcomes at once")
    once, twice = start(learner), start(learner)
    for i, example in enumerate(specimens(learner, 40)):
        first = Event(seq=2 * i + 1, query=example.query, outcome=example.outcome,
                      known=example.known, asked=example.asked)  # fmt: skip
        again = replace(first, seq=2 * i + 2, known=example.known + 1, replaced=first)
        once.observe(Entry(event=first))
        twice.observe(Entry(event=first))
        twice.observe(Entry(event=again))
    assert twice.memory == once.memory
    assert twice.ledger == once.ledger


def test_intervals_hold_what_was_predicted(learner: AnyLearner) -> None:
    if learner.interval is None:
        pytest.skip(f"{learner.name} gives no intervals")
    rows = table(learner, specimens(learner, seed=5))
    for name, params in fitted(learner).items():
        low, high = learner.interval(params, rows)
        said = learner.score(params, rows)
        assert ((low <= said) & (said <= high)).all(), name
        held = (low <= rows.y) & (rows.y <= high)
        assert held[rows.weight >= 1].mean() > 0.75, name


def test_a_choice_recommends_one_of_the_options_with_its_chance(learner: AnyLearner) -> None:
    assert set(learner.names) <= set(learner.outcome.model_fields)
    assert issubclass(learner.advice, Choice) == (learner.used is not None)
    memory = replay(learner, log(specimens(learner))).memory
    for example in specimens(learner, 20, seed=5):
        query, at = example.query, example.asked
        advice = learner.answer(None, memory, query, at, np.random.default_rng(0))
        if isinstance(advice, Choice) and advice.option is not None:
            assert advice.option in learner.options(memory, query)
            assert advice.propensity is not None


def test_it_bounds_params_and_says_what_it_is(learner: AnyLearner) -> None:
    assert learner.title
    assert learner.retrain.things
    for name, params in fitted(learner).items():
        assert len(learner.dump(params)) < 16_000_000, name


def test_importance_is_a_share_of_each_column_that_counts(learner: AnyLearner) -> None:
    if learner.importance is None:
        pytest.skip(f"{learner.name} does not know it")
    for name, params in fitted(learner).items():
        shares = learner.importance(params)
        assert set(shares) <= set(learner.columns), name
        assert min(shares.values()) > 0, name
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-3), name
        assert learner.importance(learner.load(learner.dump(params))) == shares, name
