"""What a generation will be like, asked and told through the tools."""

from typing import Any

import pytest
from mcp import Client
from served import text

pytestmark = pytest.mark.anyio

TASK = {
    "task_description": "Add an endpoint that lists invoices; it must validate the date",
    "task_type": "backend",
    "language": "Python",
    "agent": "coder",
}


async def predict(asked: Client, **more: Any) -> dict[str, Any]:
    result = await asked.call_tool("predict_generation_success", {**TASK, **more})
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content
    return found


async def tell(asked: Client, outcome: str, **more: Any) -> dict[str, Any]:
    result = await asked.call_tool("record_feedback", {"outcome": outcome, **more})
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content
    return found


async def test_without_history_it_abstains_from_all_four_in_words(asked: Client) -> None:
    found = await predict(asked)
    assert (found["source"], found["n"], found["risk"]) == ("abstained", 0, "unknown")
    assert [found[name] for name in ("success", "complexity", "seconds", "quality")] == [None] * 4
    for each in found["estimates"].values():
        assert "20 outcomes are needed" in each["reasons"][0]
    thumb = found["estimates"]["complexity"]["reasons"][1]
    assert thumb == "rule of thumb, not an estimate: 5.0 of 10 by kind, words and length"
    assert found["route"]["name"] is None


async def test_the_next_answer_knows_what_became_of_the_last(asked: Client) -> None:
    for i in range(25):
        decision = (await predict(asked, task_key=f"t{i}"))["decision_id"]
        told = await tell(asked, "failure", decision_id=decision)
        assert told["learners"] == ["generation_success"]
    found = await predict(asked, task_key="new")
    assert found["source"] == "observed"
    assert found["n"] == 25
    assert found["success"] < 0.2
    assert found["risk"] == "very_high"


async def test_a_task_that_cannot_be_recognised_is_warned_of(asked: Client) -> None:
    found = await predict(asked, task_description="")
    assert any("cannot be recognised" in warning for warning in found["warnings"])


async def test_its_words_hold_every_figure(asked: Client) -> None:
    result = await asked.call_tool("predict_generation_success", TASK)
    said = text(result)
    for name in ("Success unknown", "complexity: unknown", "seconds: unknown", "quality: unknown"):
        assert name in said
    assert result.structured_content["decision_id"] in said


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"task_type": "cooking"}, "task_type"),
        ({"temperature": 9}, "temperature"),
        ({"rag_quality": 11}, "rag_quality"),
        ({"similarity": 2}, "similarity"),
        ({"task_key": "\0"}, "task_key"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_argument_is_named(asked: Client, wrong: dict[str, Any], named: str) -> None:
    result = await asked.call_tool("predict_generation_success", {**TASK, **wrong})
    assert result.is_error
    assert named in text(result)
