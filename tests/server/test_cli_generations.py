"""Verbs about generations, as processes."""

import json
from pathlib import Path

import pytest
from served import environment, foresight, url_of

from storage.embedded import Dsn


@pytest.fixture
def env(fresh_database: Dsn, tmp_path: Path) -> dict[str, str]:
    """The environment of processes that share a fresh database."""
    return environment(url_of(fresh_database), tmp_path)


def told(env: dict[str, str], learner: str, word: str = "success", **facts: object) -> None:
    done = foresight(
        env, "record-feedback", word, "--learner", learner, "--facts", json.dumps(facts)
    )
    assert done.returncode == 0, done.stderr


def test_predicting_and_routing_mirror_the_tools(env: dict[str, str], tmp_path: Path) -> None:
    task = {"agent": "coder", "task_type": "backend", "project": "here"}
    for i in range(5):
        told(env, "generation_success", **task, task_key=f"t{i}")
        told(env, "generation_time", **task, task_key=f"t{i}", seconds=9, cost_usd=0.25)
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
