"""Verbs about generations, as processes."""

import json
from pathlib import Path
from typing import Any

import pytest
from judged import judged
from served import environment, foresight, settings_for, url_of

from server.app import foresight as opened
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

TASK: dict[str, Any] = {"agent": "coder", "task_type": "backend"}


async def test_predicting_and_routing_mirror_the_tools(fresh_database: Dsn, tmp_path: Path) -> None:
    async with opened(settings_for(url_of(fresh_database), tmp_path)) as verbs:
        await verbs.lifecycle.tell_all(list(judged(5, 5, cost=0.25, **TASK)))
    env = environment(url_of(fresh_database), tmp_path)
    (tmp_path / "task.md").write_text("Add a login endpoint")
    ask = ("@task.md", "--agent", "coder", "--task-type", "Backend", "--rag-examples", "2")
    first = foresight(env, "predict", *ask, "--json", cwd=tmp_path)
    found = json.loads(first.stdout)
    assert (found["source"], found["n"]) == ("observed", 5)
    assert found["estimates"]["seconds"]["n"] == 5
    said = foresight(env, "predict-generation-success", *ask, cwd=tmp_path).stdout
    assert said.startswith("Success 0.")
    assert "Route by agent: coder; cheapest agent" in said
    route = ("route", "--task-type", "backend", "--by", "agent", "--margin", "0.1")
    chosen = json.loads(foresight(env, *route, "--json").stdout)
    assert (chosen["name"], chosen["margin"]) == ("coder", 0.1)
    (compared,) = chosen["compared"]
    assert (compared["usd"], compared["priced"], compared["n"]) == (0.25, 5, 5)
    assert "  coder: success 0." in foresight(env, *route).stdout


async def test_figures_by_week_have_a_picture_and_numbers(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with opened(settings_for(url_of(fresh_database), tmp_path)) as verbs:
        for word in ("failure", "success", "success"):
            asked = await verbs.predict_generation_success("Add tea")
            await verbs.record_feedback(word, decision_id=asked.decision_id)
    env = environment(url_of(fresh_database), tmp_path)
    weeks = json.loads(foresight(env, "kpis", "--weeks", "4", "--json").stdout)["weeks"]
    assert [week["generations"] for week in weeks] == [0, 0, 0, 3]
    assert weeks[-1]["unmodified"] == pytest.approx(2 / 3)
    said = foresight(env, "kpis", "--weeks", "4").stdout
    assert "  generations asked about      ▁▁▁█ 3\n" in said
    assert "  accepted unmodified          ···▄ 67% (target 85%)\n" in said
    assert "  mean quality of 10           ···· unknown (target 8.50)\n" in said
    elsewhere = json.loads(foresight(env, "kpis", "--project", "x", "--json").stdout)["weeks"]
    assert len(elsewhere) == 12
    assert sum(week["generations"] for week in elsewhere) == 0
