"""What is said of generations: predictions and routes, through MCP and without."""

import json
from typing import Any

import pytest
from judged import judged
from mcp import Client
from served import client, settings_for, text, url_of

from learners.errors import InvalidFacts
from server.direct import Foresight, foresight
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

TASK: dict[str, Any] = {"task_type": "backend", "language": "python"}


async def tell(verbs: Foresight, *told: Any) -> None:
    await verbs.lifecycle.tell_all([each for some in told for each in some])


async def test_without_history_nothing_is_made_up(asked: Client) -> None:
    result = await asked.call_tool("predict_generation_success", {"task_description": "Add tea"})
    found = result.structured_content
    assert (found["source"], found["n"], found["risk"]) == ("abstained", 0, "unknown")
    values = [found[name] for name in ("success", "complexity", "seconds", "quality", "version")]
    assert values == [None] * 5
    assert found["route"]["name"] is None
    assert found["decision_id"] in text(result)


async def test_a_task_that_cannot_be_recognised_is_warned_of(asked: Client) -> None:
    for arguments, warned in (({}, True), ({"task_key": "k"}, False)):
        result = await asked.call_tool("predict_generation_success", arguments)
        assert bool(result.structured_content["warnings"]) == warned


async def test_the_cheapest_of_those_nearly_as_good_is_chosen(
    fresh_database: Dsn, tmp_path: Any
) -> None:
    async with foresight(settings_for(url_of(fresh_database), tmp_path)) as verbs:
        await tell(
            verbs,
            judged(40, 36, cost=0.5, agent="dear", **TASK),
            judged(40, 36, cost=0.1, agent="cheap", **TASK),
            judged(40, 4, cost=0.01, agent="poor", **TASK),
            judged(40, 36, agent="unpriced", **TASK),
            judged(4, 4, cost=0.001, agent="unknown", **TASK),
        )
        found = await verbs.route(**TASK, margin=0.05)
        assert {each.name for each in found.compared} == {"dear", "cheap", "poor", "unpriced"}
        assert found.compared[-1].name == "poor"
        assert (found.name, found.by) == ("cheap", "agent")
        assert "within 0.05 of" in found.reason
        (cheap,) = (each for each in found.compared if each.name == "cheap")
        assert (cheap.n, cheap.priced) == (40, 40)
        assert cheap.usd == pytest.approx(0.1, abs=1e-6)
        said = found.words()
        assert "unpriced: success 0." in said
        assert "n = 40; cost unknown" in said
        all_of_them = await verbs.route(**TASK, margin=1.0)
        assert all_of_them.name == "poor"
        nobody = await verbs.route(**TASK, by="model")
        assert (nobody.name, nobody.compared) == (None, ())
        assert nobody.reason == "no model has 5 judged generations yet"
        predicted = await verbs.predict_generation_success("Add tea", agent="poor", **TASK)
        assert predicted.success is not None
        assert predicted.success < 0.3
        assert predicted.route.name in {"dear", "cheap"}
        with pytest.raises(InvalidFacts, match="by: expected 'agent' or 'model'"):
            await verbs.route(by="tea")


async def test_a_route_is_not_shown_to_models(fresh_database: Dsn, tmp_path: Any) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path, toolsets="advise,feedback,admin")
    async with client(settings) as asked:
        assert "route_generation" not in {t.name for t in (await asked.list_tools()).tools}
        assert "Unknown tool" in text(await asked.call_tool("route_generation", {}))


async def test_a_prediction_and_its_outcome_meet(fresh_database: Dsn, tmp_path: Any) -> None:
    async with foresight(settings_for(url_of(fresh_database), tmp_path)) as verbs:
        asked = await verbs.predict_generation_success("Add tea", agent="a", temperature=0.2)
        told = await verbs.record_feedback(
            "success", decision_id=asked.decision_id, learner="generation_success"
        )
        assert told.joined
        status = (await verbs.learning_status("generation_success")).learners[0]
        assert status.n == 1


async def test_what_departs_from_its_parts_is_shown_unasked(
    fresh_database: Dsn, tmp_path: Any
) -> None:
    async with foresight(settings_for(url_of(fresh_database), tmp_path)) as verbs:
        none = await verbs.patterns()
        assert none.words().startswith("0 combinations depart from what the parts promise, of 0")
        ways = [
            ("a", "backend", 36),
            ("a", "testing", 2),
            ("b", "backend", 36),
            ("b", "testing", 38),
        ]
        told = [list(judged(40, good, agent=a, task_type=t)) for a, t, good in ways]
        await tell(verbs, *zip(*told, strict=True))
        found = await verbs.patterns()
        departing = {each.what for each in found.patterns}
        assert "task_type=testing & agent=a" in departing
        assert found.words().count("\n") == len(departing)
        assert found.tested == 4
        status = (await verbs.learning_status("generation_success")).learners[0]
        assert 1 <= len(status.findings) <= 3
        assert "  finding: " in "\n".join(status.lines())
        assert (await verbs.learning_status("generation_time")).learners[0].findings == ()


async def test_the_answer_about_the_least_known_comes_first(
    fresh_database: Dsn, tmp_path: Any
) -> None:
    async with foresight(settings_for(url_of(fresh_database), tmp_path)) as verbs:
        assert (await verbs.pending()).words() == (
            "0 answers of the last 30 days without an outcome.\nNothing to tell."
        )
        await tell(verbs, judged(60, 30, agent="old", task_key="known", **TASK))
        asked = [
            await verbs.predict_generation_success(agent="old", task_key="known", **TASK),
            await verbs.predict_generation_success("Add tea", agent="new", **TASK),
            await verbs.predict_generation_success("Add milk", agent="old", **TASK),
            await verbs.predict_generation_success("Add sugar", agent="old", **TASK),
            await verbs.predict_generation_success("Add salt", agent="old", project="other"),
        ]
        await verbs.record_feedback(
            "success", decision_id=asked[3].decision_id, learner="generation_success"
        )
        await verbs.lifecycle.writer.flush(5)
        found = await verbs.pending()
        assert [each.decision_id for each in found.unanswered] == [
            asked[i].decision_id for i in (1, 2, 0)
        ]
        assert found.total == 3
        first = found.unanswered[0]
        assert first.about == {"task_description": "Add tea", "agent": "new", **TASK}
        assert first.information > found.unanswered[1].information > 0
        said = found.words()
        assert said.startswith("3 answers of the last 30 days without an outcome, the 3 whose")
        assert "task_description Add tea" in said
        short = await verbs.pending(limit=1)
        assert (len(short.unanswered), short.total) == (1, 3)
        elsewhere = await verbs.pending(project="other")
        assert [each.decision_id for each in elsewhere.unanswered] == [asked[4].decision_id]
        assert (await verbs.pending(everywhere=True)).total == 4


async def test_what_nobody_has_judged_is_a_resource(asked: Client) -> None:
    result = await asked.call_tool("predict_generation_success", {"task_description": "Add tea"})
    told = await asked.call_tool("predict_generation_success", {"task_description": "Add milk"})
    facts = {"decision_id": told.structured_content["decision_id"], "outcome": "success"}
    await asked.call_tool("record_feedback", {**facts, "learner": "generation_success"})
    (content,) = (await asked.read_resource("foresight://pending")).contents
    found = json.loads(content.text)  # type: ignore[union-attr]
    assert [each["decision_id"] for each in found["unanswered"]] == [
        result.structured_content["decision_id"]
    ]
