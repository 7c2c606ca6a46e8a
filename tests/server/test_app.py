"""The composed server: eras, resources, completions, and the same verbs without MCP."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp_types import ResourceTemplateReference
from served import NOWHERE, PAIR, client, settings_for, text, url_of

from learners.errors import InvalidFacts, UnknownLearner
from server.app import foresight
from storage.embedded import Dsn
from storage.errors import Unavailable

pytestmark = pytest.mark.anyio

LEARNER = "mixin_compatibility"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_both_eras_of_the_protocol_are_served(
    fresh_database: Dsn, tmp_path: Path, mode: Literal["auto", "legacy"]
) -> None:
    async with client(settings_for(url_of(fresh_database), tmp_path), mode=mode) as asked:
        names = {tool.name for tool in (await asked.list_tools()).tools}
        assert {"check_mixin_compatibility", "record_feedback", "learning_status"} <= names
        result = await asked.call_tool("check_mixin_compatibility", PAIR)
        assert result.structured_content["source"] == "rules"


async def test_lists_may_be_kept_and_what_changes_may_not(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with client(settings_for(url_of(fresh_database), tmp_path)) as asked:
        listing = await asked.list_tools()
        assert (listing.ttl_ms, listing.cache_scope) == (3_600_000, "public")
        status = await asked.read_resource("foresight://status")
        assert (status.ttl_ms, status.cache_scope) == (0, "private")


async def test_resources_show_status_cards_decisions_and_mixins(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with client(settings_for(url_of(fresh_database), tmp_path)) as asked:

        async def read(uri: str) -> Any:
            (content,) = (await asked.read_resource(uri)).contents
            return json.loads(content.text)  # type: ignore[union-attr]

        result = await asked.call_tool("check_mixin_compatibility", PAIR)
        decision = result.structured_content["decision_id"]
        await asked.call_tool("record_feedback", {"outcome": "success", "decision_id": decision})
        assert (await read("foresight://status"))["join_rate"]["joined"] == 1
        assert (await read(f"foresight://card/{LEARNER}"))["version"] is None
        assert (await read(f"foresight://decision/{decision}"))["outcomes"][0]["kind"] == "join"
        assert (await read("foresight://mixins/caching"))["name"] == "MixinCaching"


async def test_names_of_learners_and_mixins_are_completed(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with client(settings_for(url_of(fresh_database), tmp_path)) as asked:

        async def completed(uri: str, name: str, value: str) -> list[str]:
            reference = ResourceTemplateReference(type="ref/resource", uri=uri)
            found = await asked.complete(reference, {"name": name, "value": value})
            return found.completion.values

        assert await completed("foresight://card/{learner}", "learner", "mix") == [LEARNER]
        assert await completed("foresight://mixins/{name}", "name", "cach") == ["MixinCaching"]
        assert await completed("foresight://decision/{id}", "id", "") == []


async def test_the_verbs_work_without_mcp(fresh_database: Dsn, tmp_path: Path) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path)
    async with foresight(settings) as verbs:
        answer = await verbs.check_mixin_compatibility(["MixinCaching", "MixinRetry"], "EFFECT")
        told = await verbs.record_feedback("success", decision_id=answer.decision_id)
        assert told.joined
        (line,) = (await verbs.learning_status(LEARNER)).learners
        assert line.n == 1
        assert (await verbs.recommend_mixins("EFFECT", ["cache"])).recommendations
        assert (await verbs.train(LEARNER)).requested


async def test_without_mcp_errors_are_those_of_the_learners(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path)
    async with foresight(settings) as verbs:
        with pytest.raises(InvalidFacts, match="mixins: expected at least 2 items"):
            await verbs.check_mixin_compatibility(["A"], "EFFECT")
        with pytest.raises(UnknownLearner):
            await verbs.train("tea")
    with pytest.raises(UnknownLearner):
        async with foresight(settings) as verbs:
            await verbs.learning_status("tea")


async def test_without_mcp_a_missing_database_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        async with foresight(settings_for(NOWHERE, tmp_path)):
            pass


async def test_an_advice_is_on_disk_when_the_server_has_left(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path)
    async with client(settings) as asked:
        result = await asked.call_tool("check_mixin_compatibility", PAIR)
        assert not result.is_error, text(result)
    async with foresight(settings) as verbs:
        joined = (await verbs.learning_status()).join_rate
        assert joined is not None
        assert joined.decisions == 1
