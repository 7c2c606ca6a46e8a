"""Recommended mixins cover what is asked for and fit what is there."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from learners.catalog._compatibility.recommending import alike
from learners.catalog._compatibility.types import CompatibilityOutcome
from learners.catalog.mixin_compatibility import (
    LEARNER,
    RecommendationQuery,
    Recommendations,
    recommending,
)
from learners.learner import Event


def ask(memory: Any = None, *, entries: Any = (), **query: Any) -> Recommendations:
    facts = {"node_type": "EFFECT", **query}
    return recommending(entries)(
        None,
        memory or LEARNER.memory(),
        RecommendationQuery.model_validate(facts),
        0.0,
        np.random.default_rng(0),
    )


def told(*several: tuple[str, str, int, int]) -> Any:
    memory = LEARNER.memory()
    for i, (a, b, success, failure) in enumerate(several):
        query = LEARNER.query(mixins=(a, b), node_type="EFFECT")
        outcome = CompatibilityOutcome(success=success, failure=failure)
        LEARNER.observe(memory, Event(seq=i, query=query, outcome=outcome, known=i, asked=i))
    return memory


def chosen(advice: Recommendations) -> set[str]:
    return {it.name for it in advice.recommendations if it.chosen}


@pytest.mark.parametrize(
    ("capability", "name"),
    [
        ("cache", "MixinCaching"),
        ("caching", "MixinCaching"),
        ("messaging", "MixinEventBus"),
        ("health check", "MixinHealthCheck"),
        ("rate limiter", "MixinRateLimiter"),
        ("validate", "MixinValidation"),
    ],
)
def test_a_capability_is_found_by_tag_or_word(capability: str, name: str) -> None:
    advice = ask(required_capabilities=[capability])
    assert chosen(advice) == {name}
    assert not advice.uncovered


def test_words_are_matched_as_words() -> None:
    advice = ask(required_capabilities=["log in audio", "ai"])
    assert not advice.recommendations
    assert set(advice.uncovered) == {"log in audio", "ai"}


def test_several_capabilities_get_a_set_that_fits_together() -> None:
    advice = ask(required_capabilities=["database", "cache", "logging"])
    assert len(chosen(advice)) == 3
    covered = {c for it in advice.recommendations if it.chosen for c in it.covers}
    assert covered == {"database", "cache", "logging"}


def test_what_is_there_already_is_not_recommended_again() -> None:
    advice = ask(required_capabilities=["cache"], existing_mixins=["MixinCaching"])
    assert not chosen(advice)
    assert not advice.uncovered


def test_evidence_decides_between_those_that_cover() -> None:
    memory = told(
        ("MixinLogging", "MixinRetry", 0, 20),
        ("MixinLogging", "MixinTimeout", 20, 0),
        ("MixinLogging", "MixinCircuitBreaker", 10, 10),
        ("MixinLogging", "MixinRateLimiter", 9, 11),
        ("MixinLogging", "MixinMetrics", 10, 10),
    )
    advice = ask(memory, required_capabilities=["resilience"], existing_mixins=["MixinLogging"])
    assert chosen(advice) == {"MixinTimeout"}
    assert advice.recommendations[0].probability == pytest.approx(0.9, abs=0.05)
    assert "MixinRetry" not in {it.name for it in advice.recommendations}


def test_nothing_is_recommended_against_the_evidence() -> None:
    memory = told(("MixinLogging", "MixinCaching", 0, 30))
    advice = ask(memory, required_capabilities=["cache"], existing_mixins=["MixinLogging"])
    assert not advice.recommendations
    assert advice.uncovered == ("cache",)
    assert any("conflict" in reason for reason in advice.reasons)


def test_at_most_k_are_listed() -> None:
    assert len(ask(required_capabilities=["resilience"], k=2).recommendations) == 2


def test_an_added_mixin_is_recommended() -> None:
    entry = {"name": "MixinTracing", "tags": ["telemetry"], "async_safe": True}
    assert chosen(ask(entries=(entry,), required_capabilities=["telemetry"])) == {"MixinTracing"}


def test_without_a_required_capability_the_reasons_say_so() -> None:
    advice = ask(existing_mixins=["MixinLogging"])
    assert not advice.recommendations
    assert any("no required_capabilities were given" in reason for reason in advice.reasons)


def test_what_stands_beside_nothing_is_marked_as_not_judged() -> None:
    listed = ask(required_capabilities=["cache"]).recommendations
    assert [it.verdict for it in listed] == ["unknown"]
    assert any("not judged" in reason for reason in listed[0].reasons)


def test_what_nobody_could_know_is_not_recommended() -> None:
    memory = told(("MixinLogging", "MixinCaching", 0, 4))
    advice = ask(memory, required_capabilities=["cache"], existing_mixins=["MixinLogging"])
    assert not advice.recommendations
    assert any("nobody could know" in reason for reason in advice.reasons)


def test_an_unknown_node_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="node_type"):
        ask(node_type="SERVER")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("cache", "caching", True),
        ("log", "logging", True),
        ("retry", "retries", True),
        ("validate", "validation", True),
        ("ai", "email", False),
        ("state", "stateless", False),
        ("transport", "transaction", False),
    ],
)
def test_forms_of_a_word_are_alike(one: str, other: str, expected: bool) -> None:
    assert alike(one, other) is expected
