"""Ask, tell, ask again, through the tools."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from mcp import Client
from mcp_types import RequestParamsMeta
from served import LEARNERS, NOWHERE, PAIR, client, settings_for, text, url_of

from storage.embedded import Dsn
from tools.admin import Served
from tools.check_mixin_compatibility import Verdict
from tools.recommend_mixins import RecommendationAnswer, Recommended

pytestmark = pytest.mark.anyio

LEARNER = "mixin_compatibility"


async def check(asked: Client, **more: Any) -> dict[str, Any]:
    result = await asked.call_tool("check_mixin_compatibility", {**PAIR, **more})
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content
    return found


async def tell(asked: Client, outcome: str = "failure", **more: Any) -> dict[str, Any]:
    result = await asked.call_tool("record_feedback", {"outcome": outcome, **more})
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content
    return found


async def test_without_history_rules_answer_and_no_probability_is_shown(asked: Client) -> None:
    found = await check(asked)
    assert (found["source"], found["n"], found["version"]) == ("rules", 0, None)
    assert found["probability"] is None
    assert not found["degraded"]
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [("MixinCaching", "MixinRetry")]


async def test_the_next_answer_knows_what_was_told(asked: Client) -> None:
    for _ in range(30):
        await tell(asked, learner=LEARNER, facts=PAIR)
    found = await check(asked)
    assert (found["source"], found["n"], found["verdict"]) == ("observed", 30, "incompatible")
    assert found["probability"] < 0.1


async def test_an_outcome_meets_its_decision_and_is_stored_once(asked: Client) -> None:
    decision = (await check(asked))["decision_id"]
    first = await tell(asked, "success", decision_id=decision, followed=True)
    assert (first["effect"], first["joined"], first["learners"]) == ("join", True, [LEARNER])
    again = await tell(asked, "success", decision_id=decision, followed=True)
    assert (again["effect"], again["key"]) == ("duplicate", first["key"])
    changed = await tell(asked, "failure", decision_id=decision, source="human")
    assert changed["effect"] == "correction"


async def test_an_outcome_without_its_decision_waits(asked: Client) -> None:
    found = await tell(asked, decision_id="7d8e9f00-0000-4000-8000-000000000000")
    assert (found["effect"], found["joined"], found["learners"]) == ("waiting", False, [])


async def test_facts_alone_teach_whom_they_fit(asked: Client) -> None:
    assert (await tell(asked, facts=PAIR))["learners"] == [LEARNER]
    requested = await asked.call_tool("train", {"learner": LEARNER})
    assert requested.structured_content["learner"] == LEARNER
    refused = await asked.call_tool("train", {})
    assert text(refused) == f"learner: expected one of {LEARNERS}; got ''"


async def test_recommending_for_no_need_says_so(asked: Client) -> None:
    for needed in ([], ["cache"]):
        result = await asked.call_tool(
            "recommend_mixins", {"node_type": "EFFECT", "required_capabilities": needed}
        )
        said = "no capability was asked for" in text(result)
        assert said == (not needed)


def test_mixins_of_which_nothing_is_known_do_not_count_as_fitting() -> None:
    def answer(*verdicts: Verdict) -> str:
        one = {"probability": None, "n": 0, "source": "rules", "covers": (), "chosen": True}
        found = [
            Recommended.model_validate({**one, "name": "M", "verdict": each, "reasons": ()})
            for each in verdicts
        ]
        return RecommendationAnswer(
            decision_id="d",
            version=None,
            source="rules",
            n=0,
            degraded=False,
            warnings=(),
            reasons=(),
            probability=None,
            recommendations=tuple(found),
            uncovered=(),
        ).words()

    assert answer().startswith("No mixin fits (")
    assert answer("compatible").startswith("1 mixin fits (")
    assert answer("compatible", "compatible", "unknown").startswith(
        "2 mixins fit, for 1 it is unknown ("
    )
    assert answer("unknown", "incompatible").startswith(
        "No mixin is known to fit, for 1 it is unknown, 1 does not ("
    )


def test_what_is_served_is_told_as_a_change_or_as_none() -> None:
    def said(now: int | None, was: int | None) -> str:
        return Served(learner="l", version=now, previous=was, next="").words().strip()

    assert said(1, None) == "l serves version 1 now (was: none)."
    assert said(None, 2) == "l serves no version now (was: version 2)."
    assert said(2, 2) == "l serves version 2 already; nothing changed."


async def test_the_same_key_with_another_outcome_is_a_conflict(asked: Client) -> None:
    await tell(asked, "failure", learner=LEARNER, facts=PAIR, key="k")
    result = await asked.call_tool(
        "record_feedback", {"outcome": "success", "learner": LEARNER, "facts": PAIR, "key": "k"}
    )
    assert result.is_error
    assert text(result) == (
        "key: 'k' is stored already with another outcome; use another key, and name this one in "
        "corrects to replace it"
    )


async def test_text_and_structured_content_each_carry_every_fact(asked: Client) -> None:
    for _ in range(6):
        await tell(asked, learner=LEARNER, facts=PAIR)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("check_mixin_compatibility", PAIR),
        ("recommend_mixins", {"node_type": "EFFECT", "required_capabilities": ["cache", "tea"]}),
        ("record_feedback", {"outcome": "success", "learner": LEARNER, "facts": PAIR}),
        ("learning_status", {}),
        ("train", {"learner": LEARNER}),
    ]
    for tool, arguments in calls:
        result = await asked.call_tool(tool, arguments)
        assert not result.is_error, text(result)
        said = text(result)
        for fact in facts_of(result.structured_content):
            assert fact in said, f"{tool}: {fact!r} is missing in {said!r}"


def facts_of(value: Any) -> list[str]:
    """Return the leaves of a result as its text writes them."""
    if isinstance(value, dict):
        return [fact for inner in value.values() for fact in facts_of(inner)]
    if isinstance(value, list):
        return [fact for inner in value for fact in facts_of(inner)]
    if isinstance(value, bool) or value is None:
        return []  # a word or its absence
    if isinstance(value, float):
        return [] if value in (0.0, 1.0) else [f"{value:.3f}"]
    return [str(value)]


async def test_the_decision_id_is_in_the_results_meta(asked: Client) -> None:
    result = await asked.call_tool("check_mixin_compatibility", PAIR)
    assert result.meta is not None
    assert result.meta["foresight/decision_id"] == result.structured_content["decision_id"]


async def test_a_typical_result_is_small(asked: Client) -> None:
    for _ in range(6):
        await tell(asked, learner=LEARNER, facts=PAIR)
    result = await asked.call_tool("check_mixin_compatibility", PAIR)
    assert len(json.dumps(result.structured_content)) < 1000
    assert len(text(result)) < 1000


async def test_a_recommendation_covers_the_need_and_says_what_it_cannot(asked: Client) -> None:
    result = await asked.call_tool(
        "recommend_mixins",
        {
            "node_type": "EFFECT",
            "required_capabilities": ["cache", "teapot"],
            "existing_mixins": ["MixinLogging"],
            "k": 3,
        },
    )
    found = result.structured_content
    assert found["recommendations"][0]["name"] == "MixinCaching"
    assert found["uncovered"] == ["teapot"]
    assert len(found["recommendations"]) <= 3


async def test_the_outcome_of_a_recommendation_says_what_was_used(asked: Client) -> None:
    result = await asked.call_tool("recommend_mixins", {"node_type": "EFFECT"})
    decision = result.structured_content["decision_id"]
    bare = await asked.call_tool("record_feedback", {"outcome": "success", "decision_id": decision})
    assert bare.is_error
    assert "say what was really used" in text(bare)
    told = await tell(asked, "success", decision_id=decision, facts=PAIR)
    assert told["joined"]


async def test_a_recommendation_counts_in_the_join_rate(asked: Client) -> None:
    await asked.call_tool("recommend_mixins", {"node_type": "EFFECT"})
    result = await asked.call_tool("recommend_mixins", {"node_type": "EFFECT"})
    decision = result.structured_content["decision_id"]
    await tell(asked, "success", decision_id=decision, facts=PAIR)
    status = await asked.call_tool("learning_status", {})
    rate = status.structured_content["join_rate"]
    assert (rate["decisions"], rate["joined"]) == (2, 1)


async def test_who_asks_comes_from_argument_then_request_then_environment(asked: Client) -> None:
    async def logged(decision: str) -> dict[str, Any]:
        await tell(asked, decision_id=decision)
        read = await asked.read_resource(f"foresight://decision/{decision}")
        answers: list[dict[str, Any]] = json.loads(read.contents[0].text)["answers"]  # type: ignore[union-attr]
        return answers[0]

    plain = await logged((await check(asked))["decision_id"])
    assert (plain["project"], plain["user_id"], plain["session"]) == ("here", "somebody", "s1")
    result = await asked.call_tool(
        "check_mixin_compatibility",
        PAIR,
        meta=cast(
            RequestParamsMeta,
            {
                "foresight/project": "there",
                "foresight/user": "else",
                "foresight/session": "s2",
                "claudecode/toolUseId": "toolu_1",
            },
        ),
    )
    meta = await logged(result.structured_content["decision_id"])
    assert (meta["project"], meta["user_id"], meta["session"]) == ("there", "else", "s2")
    assert meta["tool_use_id"] == "toolu_1"
    given = await logged((await check(asked, project="mine"))["decision_id"])
    assert given["project"] == "mine"


async def test_without_a_database_advice_is_degraded_and_telling_says_repeat(
    tmp_path: Path,
) -> None:
    async with client(settings_for(NOWHERE, tmp_path, toolsets="advise,feedback,admin")) as asked:
        found = await check(asked)
        assert found["degraded"]
        assert found["source"] == "rules"
        assert found["warnings"][0].startswith("history is not loaded")
        status = await asked.call_tool("learning_status", {})
        assert status.structured_content["join_rate"] is None
        assert status.structured_content["degraded"]
        for tool, arguments in (
            ("train", {"learner": LEARNER}),
            ("promote", {"learner": LEARNER, "version": 1}),
            ("roll_back", {"learner": LEARNER}),
        ):
            result = await asked.call_tool(tool, arguments)
            assert result.is_error
            assert "the database is away" in text(result)


async def test_what_was_told_survives_the_server(fresh_database: Dsn, tmp_path: Path) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path)
    async with client(settings) as asked:
        for _ in range(6):
            await tell(asked, learner=LEARNER, facts=PAIR)
    async with client(settings) as asked:
        assert (await check(asked))["n"] == 6


async def test_an_outcome_is_taken_back_by_naming_its_key_alone(asked: Client) -> None:
    facts = {"mixins": ["MixinCaching", "MixinRetry"], "node_type": "EFFECT"}
    told = {"learner": "mixin_compatibility", "facts": facts, "outcome": "failure", "key": "k1"}
    assert not (await asked.call_tool("record_feedback", told)).is_error
    back = {"outcome": "neutral", "corrects": "k1"}
    result = await asked.call_tool("record_feedback", back)
    assert result.structured_content is not None
    assert result.structured_content["effect"] == "correction"
    answer = await asked.call_tool("check_mixin_compatibility", facts)
    assert answer.structured_content is not None
    assert answer.structured_content["n"] == 0
    unknown = await asked.call_tool("record_feedback", {"outcome": "neutral", "corrects": "k9"})
    assert unknown.is_error
    assert "corrects: expected the key of a stored outcome, got 'k9'" in str(unknown.content)
