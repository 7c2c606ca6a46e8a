"""What a user of the compatibility learner may rely on."""

import json
from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from learners.catalog._compatibility import memory as memories
from learners.catalog._compatibility.memory import CompatibilityMemory
from learners.catalog._compatibility.params import CompatibilityParams
from learners.catalog._compatibility.types import CompatibilityOutcome, CompatibilityQuery
from learners.catalog.mixin_compatibility import CATALOGUE, LEARNER, NODE_TYPES
from learners.errors import Damaged, InvalidFacts, NotYet
from learners.learner import Event, Example, Table

ADAPTER = TypeAdapter(CompatibilityMemory)
RNG = np.random.default_rng(0)
FAST = ("pair_rates", "logistic", "forest_lightgbm")

names = st.sampled_from([*CATALOGUE.components, "Stranger#1.0", "Stranger#2.0", "Other-1.5"])
queries = st.builds(
    LEARNER.query,
    mixins=st.lists(names, min_size=2, max_size=4).map(tuple),
    node_type=st.sampled_from(NODE_TYPES),
    project=st.sampled_from(["", "one", "two"]),
)
outcomes = st.builds(
    CompatibilityOutcome,
    success=st.integers(1, 5),
    failure=st.integers(0, 5),
    neutral=st.integers(0, 1),
    label=st.booleans(),
)
told = st.lists(st.tuples(queries, outcomes, st.sampled_from([1.0, 0.7, 0.3])), max_size=20)

Told = tuple[CompatibilityQuery, CompatibilityOutcome, float]


def event(seq: int, it: Told, replaced: Any = None) -> Event[Any, Any]:
    query, outcome, strength = it
    return Event(
        seq=seq,
        query=query,
        outcome=outcome,
        known=seq,
        asked=seq,
        strength=strength,
        replaced=replaced,
    )


def folded(several: list[Told]) -> CompatibilityMemory:
    memory = LEARNER.memory()
    for i, it in enumerate(several):
        LEARNER.observe(memory, event(i, it))
    return memory


def ask(
    memory: CompatibilityMemory,
    *mixins: str,
    node_type: str = "EFFECT",
    project: str = "",
    params: CompatibilityParams | None = None,
    learner: Any = LEARNER,
) -> Any:
    query = learner.query(mixins=mixins, node_type=node_type, project=project)
    return learner.answer(params, memory, query, 0.0, RNG)


def pair(a: str, b: str, success: int, failure: int, node: str = "EFFECT", **more: Any) -> Told:
    project = more.pop("project", "")
    query = LEARNER.query(mixins=(a, b), node_type=node, project=project)
    return (query, CompatibilityOutcome(success=success, failure=failure, **more), 1.0)


@cache
def specimens(n: int = 240) -> tuple[Example[Any, Any], ...]:
    rng = np.random.default_rng(3)
    return tuple(sorted((LEARNER.specimen(rng) for _ in range(n)), key=lambda it: it.known))


def table_of(memory: CompatibilityMemory, examples: Any, learn: bool = True) -> Table:
    x, meta = [], []
    for i, it in enumerate(examples):
        for label in LEARNER.labels(it.query, it.outcome):
            x.append(LEARNER.features(memory, it.query, label.option, it.asked))
            meta.append((label, i))
        if learn:
            LEARNER.observe(memory, event(i, (it.query, it.outcome, 1.0)))
    count = len(meta)
    return Table(
        LEARNER.columns,
        np.stack(x),
        np.array([label.y for label, _ in meta]),
        np.array([label.weight for label, _ in meta]),
        tuple(label.option for label, _ in meta),
        np.zeros(count),
        np.arange(count, dtype=np.float64),
        tuple(LEARNER.group(examples[i].query) for _, i in meta),
        np.full(count, np.nan),
        np.array([i for _, i in meta], dtype=np.int64),
    )


@cache
def learned() -> tuple[Table, CompatibilityMemory]:
    memory = LEARNER.memory()
    return table_of(memory, specimens()), memory


@cache
def fitted(name: str) -> CompatibilityParams:
    return LEARNER.candidates[name](learned()[0], np.random.default_rng(1))


# Questions


def test_an_unknown_node_type_is_refused_with_the_allowed_values() -> None:
    with pytest.raises(ValidationError) as refused:
        LEARNER.query(mixins=("MixinCaching", "MixinLogging"), node_type="SERVER")
    text = str(refused.value)
    assert "node_type" in text
    assert all(name in text for name in NODE_TYPES)


def test_the_schema_names_the_allowed_node_types() -> None:
    assert LEARNER.query.model_json_schema()["properties"]["node_type"]["enum"] == list(NODE_TYPES)


def test_a_known_name_is_recognised_in_another_spelling() -> None:
    query = LEARNER.query(mixins=("caching", "mixinlogging"), node_type="EFFECT")
    assert query.mixins == ("MixinCaching", "MixinLogging")


@pytest.mark.parametrize("mixins", [("MixinCaching",), ("a + b", "c"), ("", "x"), ("a\tb", "c")])
def test_what_is_no_set_of_names_is_refused(mixins: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        LEARNER.query(mixins=mixins, node_type="EFFECT")


def test_an_outcome_says_something() -> None:
    with pytest.raises(ValidationError, match="at least one"):
        CompatibilityOutcome()


@pytest.mark.parametrize("said", ["success", "neutral", "failure"])
def test_an_outcome_may_be_a_word(said: Any) -> None:
    assert CompatibilityOutcome.model_validate(said) == LEARNER.verdict(said)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (CompatibilityOutcome, "fine", "expected success, neutral or failure, or counts"),
        (CompatibilityOutcome, 3, "expected success, neutral or failure, or counts"),
        (CompatibilityOutcome, {}, "give at least one of success, failure, neutral"),
        (LEARNER.query, {"mixins": ["A"]}, "expected a list of 2 to 16 names, got 1"),
        (LEARNER.query, {"mixins": ["A"] * 17}, "expected a list of 2 to 16 names, got 17"),
        (LEARNER.query, {"mixins": "A, B"}, "expected a list of 2 to 16 names"),
        (LEARNER.query, {"mixins": ["a + b", "c"]}, "expected a printable name without ' + '"),
        (LEARNER.query, {"node_type": "TEA"}, f"expected one of {', '.join(NODE_TYPES)}"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(kind: Any, value: Any, expected: str) -> None:
    if kind is LEARNER.query:
        value = {"mixins": ["A", "B"], "node_type": "EFFECT", **value}
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(value)
    assert [error["msg"] for error in refused.value.errors()] == [expected]


def test_a_name_is_the_same_however_its_accents_are_written() -> None:
    query = LEARNER.query(mixins=("MixinA\u0308pfel", "Mixin\u00c4pfel"), node_type="EFFECT")
    assert query.mixins[0] == query.mixins[1]


def test_the_schema_tells_how_many_names_there_may_be() -> None:
    mixins = LEARNER.query.model_json_schema()["properties"]["mixins"]
    assert (mixins["minItems"], mixins["maxItems"]) == (2, 16)


def test_the_columns_begin_with_the_83_of_the_spec() -> None:
    columns = LEARNER.columns
    assert columns[0] == "a_is_MixinCaching"
    assert columns[30] == "b_is_MixinCaching"
    assert columns[60:64] == tuple(f"node_{name}" for name in NODE_TYPES)
    assert columns[68] == "same_category"
    assert columns[82] == "involves_data_access"
    assert columns[83] == "same"


# Memory


@given(told)
def test_memory_survives_json_exactly(several: list[Told]) -> None:
    memory = folded(several)
    assert ADAPTER.validate_python(json.loads(ADAPTER.dump_json(memory))) == memory


@given(told, st.tuples(queries, outcomes, st.just(0.7)), st.tuples(queries, outcomes, st.just(0.3)))
def test_a_correction_leaves_what_the_right_word_would_have_left(
    several: list[Told], wrong: Told, right: Told
) -> None:
    memory = folded([wrong, *several])
    first = event(0, wrong)
    LEARNER.observe(memory, event(99, right, replaced=first))
    assert memory == folded([*several, right])


@given(told)
def test_taking_everything_back_leaves_an_empty_memory(several: list[Told]) -> None:
    memory = folded(several)
    nothing = CompatibilityOutcome(neutral=1)
    for i, it in enumerate(several):
        LEARNER.observe(memory, event(100 + i, (it[0], nothing, 1.0), replaced=event(i, it)))
    assert memory == LEARNER.memory()


def test_memory_is_bounded_and_forgets_the_least_told(monkeypatch: pytest.MonkeyPatch) -> None:
    small = dict.fromkeys(memories.LEVELS, 50.0)
    monkeypatch.setattr(memories, "LEVELS", small)
    memory = LEARNER.memory()
    LEARNER.observe(memory, event(0, pair("MixinCaching", "MixinLogging", 90, 0)))
    for i in range(500):
        LEARNER.observe(memory, event(i, pair(f"New{i}#1", f"Other{i}#2", 1, 0, project=f"p{i}")))
    assert all(len(cells) <= 50 for cells in memory.counts.values())
    assert ask(memory, "MixinCaching", "MixinLogging").n == 90
    assert LEARNER.evidence(memory).outcomes == 590


def test_evidence_counts_outcomes_and_eligible_pairs() -> None:
    memory = folded(
        [
            pair("MixinCaching", "MixinLogging", 2, 1),
            pair("MixinCaching", "MixinLogging", 3, 0, "COMPUTE"),
            pair("MixinAudit", "MixinLogging", 1, 1),
            pair("MixinRetry", "MixinLogging", 1, 0, label=True),
            pair("MixinRetry", "MixinTimeout", 0, 0, neutral=3),
        ]
    )
    assert LEARNER.evidence(memory) == (9, 3)


def test_texts_stay_in_their_project() -> None:
    memory = folded(
        [
            pair(
                "MixinCaching",
                "MixinRetry",
                0,
                1,
                project="one",
                conflict_reason="stale reads",
                resolution_pattern="invalidate first",
            )
        ]
    )
    mine = ask(memory, "MixinRetry", "MixinCaching", project="one")
    theirs = ask(memory, "MixinRetry", "MixinCaching", project="two")
    assert "known conflict: stale reads" in mine.warnings
    assert "worked before: invalidate first" in mine.suggestions
    assert "stale" not in theirs.model_dump_json()


# Answers without a fitted version


def test_with_nothing_told_the_rules_judge_without_a_number() -> None:
    memory = LEARNER.memory()
    fine = ask(memory, "MixinLogging", "MixinMetrics")
    odd = ask(memory, "MixinTransaction", "MixinCaching", node_type="COMPUTE")
    twice = ask(memory, "MixinCaching", "MixinCaching")
    assert [it.verdict for it in (fine, odd, twice)] == [
        "compatible",
        "incompatible",
        "incompatible",
    ]
    for advice in (fine, odd, twice):
        assert (advice.source, advice.probability, advice.n) == ("rules", None, 0)
        assert advice.reasons
    assert any("pure" in reason for reason in odd.reasons)


def test_a_stranger_is_abstained_on_with_the_needed_number() -> None:
    advice = ask(LEARNER.memory(), "MixinLogging", "Quux#1")
    assert (advice.source, advice.verdict, advice.probability) == ("abstained", "unknown", None)
    assert any("5 tests" in reason for reason in advice.reasons)


def test_a_hundred_and_twenty_failures_are_enough() -> None:
    memory = folded([pair("MixinLogging", "MixinMetrics", 0, 1) for _ in range(120)])
    advice = ask(memory, "MixinMetrics", "MixinLogging")
    assert (advice.source, advice.n, advice.verdict) == ("observed", 120, "incompatible")
    assert advice.probability < 0.1


def test_few_tests_of_many_pairs_give_the_base_rate() -> None:
    known = [f"Mixin{name}" for name in ("Audit", "Retry", "Timeout", "Security", "Validation")]
    memory = folded([pair("MixinLogging", name, 4, 1) for name in known for _ in (1,)])
    advice = ask(memory, "MixinMetrics", "MixinLogging")
    assert (advice.source, advice.n) == ("base_rate", 0)
    assert advice.probability == pytest.approx(0.78, abs=0.03)


OVER_FIVE = [
    pair("MixinLogging", f"Mixin{name}", 4, 1)
    for name in ("Audit", "Retry", "Timeout", "Security", "Validation")
]


def test_the_base_rate_says_what_it_rests_on() -> None:
    advice = ask(folded(OVER_FIVE), "MixinMetrics", "MixinCaching")
    assert advice.reasons == ("20 of 25 outcomes over 5 pairs succeeded; nothing of this pair",)


def test_the_base_rate_comes_with_the_pairs_own_few_tests() -> None:
    memory = folded([*OVER_FIVE, pair("MixinLogging", "MixinMetrics", 0, 2)])
    advice = ask(memory, "MixinMetrics", "MixinLogging")
    assert (advice.source, advice.n) == ("base_rate", 2)
    assert advice.reasons == (
        "0 of 2 tests of this pair here succeeded; 5 are needed for a rate of its own",
        "20 of 25 outcomes over 5 pairs succeeded",
    )


@pytest.mark.parametrize(("told", "pairs"), [(3, 5), (5, 4)])
def test_below_twenty_outcomes_or_five_pairs_the_rules_judge(told: int, pairs: int) -> None:
    several = [(query, CompatibilityOutcome(success=told), 1.0) for query, _, _ in OVER_FIVE]
    assert ask(folded(several[:pairs]), "MixinMetrics", "MixinCaching").source == "rules"


@pytest.mark.parametrize(
    ("mixins", "success", "failure", "verdict"),
    [
        (("MixinLogging", "MixinMetrics"), 0, 2, "compatible"),
        (("MixinLogging", "MixinMetrics"), 0, 3, "unknown"),
        (("MixinLogging", "MixinMetrics"), 0, 4, "unknown"),
        (("MixinLogging", "MixinMetrics"), 1, 3, "compatible"),
        (("MixinCaching", "MixinTransaction"), 4, 0, "unknown"),
        (("MixinCaching", "MixinTransaction"), 0, 4, "incompatible"),
    ],
)
def test_too_few_tests_for_a_rate_come_first_and_may_take_a_rule_back(
    mixins: tuple[str, str], success: int, failure: int, verdict: str
) -> None:
    advice = ask(folded([pair(*mixins, success, failure)]), *mixins)
    assert (advice.source, advice.probability, advice.verdict) == ("rules", None, verdict)
    n = success + failure
    assert advice.reasons[0] == (
        f"{success} of {n} tests of this pair here succeeded; 5 are needed for a probability"
    )
    assert any("speaks against the rules" in it for it in advice.reasons) or verdict != "unknown"
    assert any(" of 4 tests" in it for it in advice.reasons) or n != 4


def test_few_tests_are_named_with_their_pair_in_a_set() -> None:
    memory = folded([pair("MixinLogging", "MixinMetrics", 0, 4)])
    advice = ask(memory, "MixinLogging", "MixinMetrics", "MixinRetry")
    assert advice.verdict == "unknown"
    assert advice.reasons[0].startswith("0 of 4 tests of MixinLogging and MixinMetrics here")


def test_a_set_that_only_failed_is_not_called_compatible() -> None:
    query = LEARNER.query(mixins=("MixinLogging", "MixinMetrics", "MixinRetry"), node_type="EFFECT")
    advice = ask(folded([(query, CompatibilityOutcome(failure=4), 1.0)]), *query.mixins)
    assert (advice.source, advice.verdict) == ("rules", "unknown")
    assert advice.reasons[0] == "0 of 4 outcomes of this set here succeeded"


def test_the_pair_that_settles_a_set_is_named() -> None:
    memory = folded([pair("MixinLogging", "MixinMetrics", 0, 20)])
    advice = ask(memory, "MixinLogging", "MixinMetrics", "MixinRetry")
    assert (advice.source, advice.verdict) == ("rules", "incompatible")
    assert advice.reasons[0] == "0 of 20 tests of MixinLogging and MixinMetrics here succeeded"


@pytest.mark.parametrize(
    ("success", "failure", "expected"),
    [
        (0, 1, "1 label: incompatible"),
        (2, 0, "2 labels: compatible"),
        (2, 1, "3 labels: 2 compatible, 1 incompatible"),
    ],
)
def test_labels_are_not_called_tests(success: int, failure: int, expected: str) -> None:
    memory = folded([pair("MixinLogging", "MixinMetrics", success, failure, label=True)])
    for params in (None, fitted("logistic")):
        advice = ask(memory, "MixinLogging", "MixinMetrics", params=params)
        assert advice.reasons[0].startswith(expected)


def test_labels_and_tests_are_told_together() -> None:
    memory = folded(
        [
            pair("MixinLogging", "MixinMetrics", 0, 1, label=True),
            pair("MixinLogging", "MixinMetrics", 2, 0),
        ]
    )
    advice = ask(memory, "MixinLogging", "MixinMetrics")
    assert advice.reasons[0].startswith("2 of 3 tests and labels of this pair here succeeded")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("MixinCachng", "MixinCaching"), ("mixintimout", "MixinTimeout"), ("Loging", "MixinLogging")],
)
def test_a_misspelt_name_is_asked_about(name: str, meant: str) -> None:
    advice = ask(LEARNER.memory(), name, "MixinAudit")
    assert f"{name} was never seen; did you mean {meant}?" in advice.warnings


def test_a_name_like_no_other_is_not_asked_about() -> None:
    assert "MixinGeo was never seen" in ask(LEARNER.memory(), "MixinGeo", "MixinAudit").warnings


@pytest.mark.parametrize("stranger", ["Quux#1", "MixinÄpfel", "Mixin東京", "MixinMüller"])
def test_no_rate_is_given_for_what_nothing_is_known_of(stranger: str) -> None:
    memory = folded([*OVER_FIVE, pair("MixinMäuse", "MixinLogging", 3, 0)])
    for params in (None, fitted("logistic")):
        advice = ask(memory, stranger, "MixinLogging", params=params)
        assert (advice.source, advice.probability) == ("abstained", None)


def test_words_beyond_ascii_are_learned_from() -> None:
    memory = folded([*OVER_FIVE, pair("MixinÄpfel-Lager", "MixinLogging", 3, 0)])
    advice = ask(memory, "MixinÄpfel-Markt", "MixinLogging", params=fitted("logistic"))
    assert advice.source == "model"
    text = "MixinÄpfel-Markt was never tested: judged by the words of its name only"
    assert text in advice.warnings


@given(told, queries)
def test_the_order_of_names_changes_nothing(several: list[Told], query: CompatibilityQuery) -> None:
    memory = folded(several)
    other = query.model_copy(update={"mixins": query.mixins[::-1]})
    assert LEARNER.answer(None, memory, query, 0, RNG) == LEARNER.answer(
        None, memory, other, 0, RNG
    )


def test_the_evidence_of_a_set_is_that_of_its_least_tested_pair() -> None:
    memory = folded(
        [
            pair("MixinLogging", "MixinMetrics", 9, 0),
            pair("MixinAudit", "MixinMetrics", 7, 0),
            pair("MixinAudit", "MixinLogging", 5, 1),
        ]
    )
    advice = ask(memory, "MixinLogging", "MixinMetrics", "MixinAudit")
    assert (advice.n, advice.source) == (6, "observed")
    assert advice.probability < min(it.probability for it in advice.pairs)


def test_a_set_that_works_speaks_for_its_pairs_and_one_that_fails_blames_none() -> None:
    query = LEARNER.query(mixins=("A#1", "B#1", "C#1"), node_type="EFFECT")
    good = folded([(query, CompatibilityOutcome(success=1), 1.0)])
    bad = folded([(query, CompatibilityOutcome(failure=1), 1.0)])
    assert len(good.counts["pair"]) == 3
    assert not bad.counts["pair"]
    assert len(bad.counts["set"]) == 1


# Fitted versions


@pytest.mark.parametrize("name", FAST)
def test_the_answer_shows_what_is_scored_to_the_bit(name: str) -> None:
    params, (_, memory) = fitted(name), learned()
    for it in specimens()[:60]:
        rows = table_of(memory, [it], learn=False)
        advice = LEARNER.answer(params, memory, it.query, 0.0, RNG)
        for option, p in zip(rows.option, LEARNER.score(params, rows).tolist(), strict=True):
            said = LEARNER.predicted(advice)[option]
            assert said is None or said == p


@pytest.mark.parametrize("name", FAST)
def test_params_survive_the_trip_and_score_the_same(name: str) -> None:
    params, (rows, _) = fitted(name), learned()
    data = LEARNER.dump(params)
    again = LEARNER.load(data)
    assert LEARNER.dump(again) == data
    np.testing.assert_array_equal(LEARNER.score(again, rows), LEARNER.score(params, rows))


@settings(max_examples=20, deadline=None)
@given(st.integers(0), st.integers(0, 7))
def test_damaged_params_are_refused(where: int, bit: int) -> None:
    data = bytearray(LEARNER.dump(fitted("logistic")))
    data[where % len(data)] ^= 1 << bit
    with pytest.raises(Damaged):
        LEARNER.load(bytes(data))


def test_params_of_other_columns_are_refused() -> None:
    from learners.catalog._compatibility import compatibility
    from learners.catalog._compatibility.types import Catalogue, Context

    other = compatibility(Catalogue(), [Context(name="any")], ordered=True, name="other")
    with pytest.raises(Damaged, match="columns"):
        other.load(LEARNER.dump(fitted("logistic")))


@pytest.mark.parametrize("name", FAST)
def test_the_same_rows_and_seed_give_the_same_bytes(name: str) -> None:
    again = LEARNER.candidates[name](learned()[0], np.random.default_rng(1))
    assert LEARNER.dump(again) == LEARNER.dump(fitted(name))


@pytest.mark.parametrize("name", FAST)
def test_the_order_of_names_changes_no_bit_of_a_model_answer(name: str) -> None:
    memory = learned()[1]
    for it in specimens()[:40]:
        other = it.query.model_copy(update={"mixins": it.query.mixins[::-1]})
        params = fitted(name)
        one = LEARNER.answer(params, memory, it.query, 0.0, RNG)
        assert one == LEARNER.answer(params, memory, other, 0.0, RNG)


@pytest.mark.parametrize("name", FAST)
def test_fresh_failures_move_a_served_model_at_once(name: str) -> None:
    rows = list(specimens())
    memory = LEARNER.memory()
    table_of(memory, rows)
    params = fitted(name)
    before = ask(memory, "MixinSecurity", "MixinMetrics", params=params, project="p")
    for i in range(120):
        told = pair("MixinSecurity", "MixinMetrics", 0, 1, project="p")
        LEARNER.observe(memory, event(1000 + i, told))
    after = ask(memory, "MixinSecurity", "MixinMetrics", params=params, project="p")
    elsewhere = ask(memory, "MixinSecurity", "MixinMetrics", params=params, project="q")
    assert after.probability < 0.1 < before.probability
    assert elsewhere.probability < 0.1
    assert after.n == before.n + 120


@pytest.mark.parametrize("name", FAST)
def test_a_model_abstains_on_what_nothing_is_known_of(name: str) -> None:
    memory = learned()[1]
    advice = ask(memory, "MixinLogging", "Quux#9", params=fitted(name))
    assert (advice.source, advice.verdict, advice.probability) == ("abstained", "unknown", None)


@pytest.mark.parametrize("name", FAST)
def test_a_model_that_was_told_of_no_mixin_with_itself_leaves_that_to_the_rules(name: str) -> None:
    params = fitted(name)
    advice = ask(folded(OVER_FIVE), "MixinCaching", "MixinCaching", params=params)
    assert (advice.source, advice.verdict, advice.probability) == ("rules", "incompatible", None)
    assert "nothing was told of any mixin with itself" in advice.reasons
    twice = ask(folded(OVER_FIVE), "MixinCaching", "MixinCaching", "MixinRetry", params=params)
    assert (twice.source, twice.verdict, twice.probability) == ("rules", "incompatible", None)
    assert [it.source for it in twice.pairs] == ["rules", "model"]


@pytest.mark.parametrize(("n", "source"), [(1, "rules"), (2, "rules"), (3, "model")])
def test_three_outcomes_of_mixins_with_themselves_make_a_model_answer(n: int, source: str) -> None:
    memory = folded([*OVER_FIVE, pair("MixinRetry", "MixinRetry", 0, n)])
    advice = ask(memory, "MixinCaching", "MixinCaching", params=fitted("logistic"))
    assert advice.source == source


def test_the_rate_of_other_pairs_is_not_that_of_a_mixin_with_itself() -> None:
    advice = ask(folded(OVER_FIVE), "MixinCaching", "MixinCaching")
    assert (advice.source, advice.verdict) == ("rules", "incompatible")


@pytest.mark.parametrize("name", FAST)
def test_a_new_version_of_a_told_component_is_judged_by_its_name(name: str) -> None:
    memory = learned()[1]
    advice = ask(memory, "MixinLogging", "Stranger#3.0", params=fitted(name))
    assert (advice.source, advice.n) == ("model", 0)


@pytest.mark.parametrize("name", FAST)
def test_a_set_is_never_more_probable_than_its_weakest_pair(name: str) -> None:
    memory = LEARNER.memory()
    table_of(memory, specimens()[:100])
    for mixins in (("Logging", "Metrics", "Audit"), ("Caching", "Retry", "Timeout", "EventBus")):
        advice = ask(memory, *mixins, node_type="REDUCER", params=fitted(name))
        assert advice.probability <= min(it.probability for it in advice.pairs) + 1e-12


@pytest.mark.parametrize("name", FAST)
def test_a_model_gives_at_most_a_few_reasons_in_words(name: str) -> None:
    memory = learned()[1]
    advice = ask(memory, "MixinCaching", "MixinAudit", params=fitted(name))
    assert 1 <= len(advice.reasons) <= 4
    assert all("_" not in reason for reason in advice.reasons)


def test_too_few_rows_say_how_many_are_needed() -> None:
    rows = learned()[0].take(np.arange(8, dtype=np.int64))
    for fit in LEARNER.candidates.values():
        with pytest.raises(NotYet, match="needs"):
            fit(rows, np.random.default_rng(0))


def test_the_models_of_the_spec_are_a_candidate() -> None:
    rows = learned()[0].take(np.arange(90, dtype=np.int64))
    params = LEARNER.candidates["spec_forest_boosting"](rows, np.random.default_rng(0))
    assert len(params.layout.names) == 83
    p = LEARNER.score(LEARNER.load(LEARNER.dump(params)), rows)
    assert ((p > 0) & (p < 1)).all()


# A user's own mixins


def entry(**more: Any) -> dict[str, Any]:
    return {"name": "MixinTracing", "category": "infrastructure", "async_safe": True, **more}


def test_an_added_mixin_is_judged_by_its_characteristics() -> None:
    assert LEARNER.extend is not None
    wider = LEARNER.extend((entry(),))
    assert wider.columns == LEARNER.columns
    memory = learned()[1]
    advice = ask(memory, "MixinTracing", "MixinLogging", params=fitted("logistic"), learner=wider)
    assert advice.source == "model"
    assert "MixinTracing was never tested: judged by its description" in advice.warnings
    assert ask(wider.memory(), "tracing", "MixinLogging", learner=wider).source == "rules"


def test_an_entry_that_is_none_is_refused() -> None:
    assert LEARNER.extend is not None
    with pytest.raises(InvalidFacts):
        LEARNER.extend(({"category": "business"},))


# Sets


def test_a_product_of_many_pairs_is_said_to_be_pessimistic() -> None:
    mixins = ("MixinLogging", "MixinMetrics", "MixinAudit")
    memory = folded([pair(a, b, 9, 1) for a, b in combinations(mixins, 2)])
    params = replace(fitted("logistic"), sets_learned=False)
    for advice in (ask(memory, *mixins), ask(memory, *mixins, params=params)):
        assert any("as if independent" in it and "pessimistic" in it for it in advice.reasons)


def test_sets_that_fail_although_their_pairs_work_are_learned_from() -> None:
    rng = np.random.default_rng(5)
    mixins = list(CATALOGUE.components)
    examples: list[Example[Any, Any]] = []
    for i in range(200):
        chosen = tuple(str(name) for name in rng.choice(mixins, 2 + i % 2, replace=False))
        good = len(chosen) == 2 and bool(rng.random() < 0.9)
        outcome = CompatibilityOutcome(success=int(good), failure=int(not good))
        query = LEARNER.query(mixins=chosen, node_type="EFFECT")
        examples.append(Example(query=query, outcome=outcome, asked=float(i), known=float(i)))
    memory = LEARNER.memory()
    params = LEARNER.candidates["logistic"](table_of(memory, examples), rng)
    assert params.sets_learned
    advice = ask(memory, *mixins[:3], params=params)
    assert advice.verdict == "incompatible"
    assert all(it.verdict == "compatible" for it in advice.pairs)
    assert any("told sets" in reason for reason in advice.reasons)
