"""What a host is told of the tools: complete, closed, portable and small."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp.server.mcpserver import MCPServer
from served import NOWHERE, client, settings_for

from learners.catalog import template_ranking
from learners.catalog._compatibility.types import PairAdvice
from learners.catalog.mixin_compatibility import (
    LEARNER,
    NODE_TYPES,
    Recommendation,
    Recommendations,
)
from learners.catalog.template_ranking import TASK_TYPES
from tools.check_mixin_compatibility import CompatibilityAnswer, PairAnswer
from tools.rank_templates import RankedTemplate, RankingAnswer
from tools.recommend_mixins import RecommendationAnswer, Recommended
from tools.surface import DEFAULT, TOOLS, TOOLSETS, tools

pytestmark = pytest.mark.anyio
PREFIX = "mcp__plugin_foresight_foresight__"


async def listed(*toolsets: str, read_only: bool = False) -> list[dict[str, Any]]:
    server = MCPServer("x", tools=list(tools(toolsets, read_only=read_only)))
    return [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        for tool in await server.list_tools()
    ]


def nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from nodes(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from nodes(inner)


def size(listing: list[dict[str, Any]]) -> int:
    return len(json.dumps({"tools": listing}, separators=(",", ":"), ensure_ascii=False))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_server_lists_in_both_eras_what_is_judged_here(
    tmp_path: Path, mode: Literal["auto", "legacy"]
) -> None:
    settings = settings_for(NOWHERE, tmp_path, toolsets=",".join(TOOLSETS))
    async with client(settings, mode=mode) as asked:
        served = await asked.list_tools()
        assert served.next_cursor is None
        seen = [
            each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in served.tools
        ]
    assert seen == await listed(*TOOLSETS)


async def test_names_are_a_verb_and_what_it_is_about_and_unique() -> None:
    names = [tool["name"] for tool in await listed(*TOOLSETS)]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name), name


async def test_every_tool_has_a_title_a_short_description_and_all_four_hints() -> None:
    hints = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    for tool in await listed(*TOOLSETS):
        assert tool["title"]
        assert 60 <= len(tool["description"]) <= 300
        assert "\n" not in tool["description"]
        assert set(tool["annotations"]) == hints
        assert len(PREFIX + tool["name"]) <= 64


async def test_every_description_names_a_sibling_for_another_need() -> None:
    names = [tool.function.__name__ for tool in TOOLS]
    for tool in await listed(*TOOLSETS):
        assert any(name in tool["description"] for name in names if name != tool["name"])


async def test_input_schemas_are_closed_described_bounded_and_free_of_noise() -> None:
    for tool in await listed(*TOOLSETS):
        schema = tool["inputSchema"]
        assert schema["additionalProperties"] is False
        for node in nodes(schema):
            assert not {"anyOf", "oneOf", "const", "$ref", "$schema"} & set(node)
            assert not isinstance(node.get("title"), str)
        for name, argument in schema["properties"].items():
            assert argument["description"], f"{tool['name']}.{name}"
            assert bounded(argument), f"{tool['name']}.{name}"


def bounded(schema: Mapping[str, Any]) -> bool:
    match schema.get("type"):
        case "string":
            return "enum" in schema or "maxLength" in schema
        case "integer" | "number":
            return {"minimum", "maximum"} <= set(schema)
        case "boolean":
            return True
        case "array":
            return "maxItems" in schema and bounded(schema["items"])
        case "object":  # facts: bounded by a check of the whole
            return schema.get("additionalProperties") is True
        case _:
            return False


async def test_output_schemas_are_closed_objects_without_titles() -> None:
    for tool in await listed(*TOOLSETS):
        assert tool["outputSchema"]["type"] == "object"
        for node in nodes(tool["outputSchema"]):
            assert not isinstance(node.get("title"), str)
            assert "properties" not in node or node["additionalProperties"] is False


async def test_every_field_of_a_result_has_a_type() -> None:
    for tool in await listed(*TOOLSETS):
        for node in nodes(tool["outputSchema"]):
            for name, field in node.get("properties", {}).items():
                if isinstance(field, dict):  # else it is a field of this name itself
                    assert typed(field), f"{tool['name']}: {name}: {field}"


def typed(schema: Mapping[str, Any]) -> bool:
    if isinstance(schema.get("type"), list):
        return all(typed({**schema, "type": kind}) for kind in schema["type"])
    if "anyOf" in schema:
        return all(typed(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return "items" in schema and typed(schema["items"])
    if schema.get("type") == "object":
        return "properties" in schema or "additionalProperties" in schema
    return "$ref" in schema or schema.get("type") in {
        "string",
        "integer",
        "number",
        "boolean",
        "null",
    }


@pytest.mark.parametrize("toolsets", [DEFAULT, TOOLSETS])
async def test_the_listing_stays_within_its_budget(toolsets: tuple[str, ...]) -> None:
    whole = await listed(*toolsets)
    without = [{k: v for k, v in tool.items() if k != "outputSchema"} for tool in whole]
    assert size(without) <= 10_000
    assert size(whole) <= 20_000


async def test_by_default_the_operators_tools_are_not_served() -> None:
    names = [tool["name"] for tool in await listed(*DEFAULT)]
    assert names == [
        "check_mixin_compatibility",
        "recommend_mixins",
        "predict_generation_success",
        "rank_templates",
        "record_feedback",
        "learning_status",
    ]


async def test_read_only_leaves_only_tools_that_change_nothing() -> None:
    left = await listed(*TOOLSETS, read_only=True)
    assert [tool["name"] for tool in left] == [
        "check_mixin_compatibility",
        "recommend_mixins",
        "predict_generation_success",
        "rank_templates",
        "learning_status",
    ]
    assert all(tool["annotations"]["readOnlyHint"] for tool in left)


async def test_the_tools_know_the_same_kinds_as_the_learners() -> None:
    known = {"node_type": NODE_TYPES, "task_type": TASK_TYPES}
    for tool in await listed("advise"):
        properties = tool["inputSchema"]["properties"]
        (kind,) = known.keys() & properties.keys()
        assert tuple(properties[kind]["enum"]) == known[kind]


def test_answers_have_every_field_of_the_advice_they_carry() -> None:
    assert set(LEARNER.advice.model_fields) <= set(CompatibilityAnswer.model_fields)
    assert set(PairAdvice.model_fields) == set(PairAnswer.model_fields)
    assert set(Recommendations.model_fields) <= set(RecommendationAnswer.model_fields)
    assert set(Recommendation.model_fields) == set(Recommended.model_fields)
    assert set(template_ranking.LEARNER.advice.model_fields) <= set(RankingAnswer.model_fields)
    assert set(template_ranking.Ranked.model_fields) == set(RankedTemplate.model_fields)
