"""The catalogue of templates, ranking and proposals, as processes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from served import environment, foresight, url_of

from server.template_files import read
from storage.embedded import Dsn

LEARNER = "template_ranking"
LINES = "\n".join(
    json.dumps(each)
    for each in (
        {"name": "REST endpoint", "text": "A handler with paging", "task_type": "backend"},
        {"name": "React form", "text": "A form with validation", "tags": ["Form"]},
    )
)


@pytest.fixture
def env(fresh_database: Dsn, tmp_path: Path) -> dict[str, str]:
    """The environment of processes that share a fresh database."""
    return environment(url_of(fresh_database), tmp_path)


def listed(env: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(foresight(env, "templates", "list", "--json").stdout)
    return found


def told(env: dict[str, str], outcomes: dict[str, str], times: int) -> str:
    """Tell outcomes of templates in one process; return what it said on stderr."""
    code = f"""
import anyio
from server.direct import foresight

async def main():
    async with foresight() as verbs:
        for name, outcome in {outcomes!r}.items():
            for _ in range({times}):
                facts = {{"template": name, "task_description": "a task"}}
                await verbs.record_feedback(outcome, facts=facts, learner={LEARNER!r})
        answer = await verbs.rank_templates("a task", candidates=list({outcomes!r}), k=1)
        assert answer.n == {times}

anyio.run(main)
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    return done.stderr


def test_templates_are_imported_ranked_told_of_and_retired(env: dict[str, str]) -> None:
    done = foresight(env, "templates", "import", "-", given=LINES)
    assert done.stdout == "2 rows: 2 described, 0 known before.\n"
    again = json.loads(foresight(env, "templates", "import", "-", "--json", given=LINES).stdout)
    assert again == {"rows": 2, "described": 0, "known": 2}

    ask = ("rank", "a form for the address", "--tag", "form", "--json")
    first = json.loads(foresight(env, *ask).stdout)
    assert (first["option"], first["source"]) == ("React form", "rules")
    shown = [each["name"] for each in first["templates"]]
    facts = json.dumps({"template": shown[1], "shown": shown})
    done = foresight(
        env, "record-feedback", "success", "--decision-id", first["decision_id"], "--facts", facts
    )
    assert "Learns from it: template_ranking" in done.stdout

    assert foresight(env, "templates", "retire", "React form").stdout == (
        "React form is retired: ranked only where it is named.\n"
    )
    left = foresight(env, "rank-templates", "a form", "-k", "1").stdout
    assert "of 1 compared" in left
    assert "1. REST endpoint: " in left
    assert "n = 1" in left
    assert foresight(env, "templates", "retire", "React form", "--undo").returncode == 0
    assert foresight(env, "templates", "remove", "React form").returncode == 0
    assert [each["name"] for each in listed(env)] == ["REST endpoint"]


def test_describing_anew_keeps_what_is_left_out(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text("Lists orders, page by page")
    add = ("templates", "add", "REST endpoint", "--language", "Python")
    done = foresight(env, *add, "--text", f"@{tmp_path / 'text.md'}", "--complexity", "3")
    assert done.stdout == "REST endpoint is in the catalogue; running servers take it up.\n"
    refused = foresight(env, *add)
    assert refused.stderr == (
        "foresight: name: REST endpoint is described already; use --replace\n"
    )
    assert foresight(env, *add[:3], "--tag", "paging", "--replace").returncode == 0
    assert listed(env) == [
        {
            "name": "REST endpoint",
            "text": "Lists orders, page by page",
            "task_type": "other",
            "language": "python",
            "framework": "",
            "tags": ["paging"],
            "complexity": 3.0,
            "retired": False,
        }
    ]
    bare = foresight(env, "templates", "add", "Form").stdout
    assert foresight(env, "templates", "propose").stdout.startswith("Nothing to propose: ")
    assert bare.endswith("so it is matched by the words of its name only.\n")


def test_proposals_are_printed_and_nothing_is_changed(env: dict[str, str]) -> None:
    foresight(env, "templates", "import", "-", given=LINES)
    assert told(env, {"REST endpoint": "success", "React form": "failure"}, times=20) == ""
    said = foresight(env, "templates", "propose").stdout
    assert said.startswith("retire React form: served 0 of 20, others 20 of 20: -1.00 [")
    assert said.endswith("`foresight templates retire NAME` takes one out of the ranking.\n")
    (found,) = json.loads(foresight(env, "templates", "propose", "--json").stdout)
    assert (found["action"], found["templates"], found["n"]) == ("retire", ["React form"], 20)
    assert found["low"] < found["high"] < 0
    assert not any(each["retired"] for each in listed(env))


def test_files_are_read_as_csv_json_or_json_lines() -> None:
    csv = "name;text;tags;complexity;retired\nA;a form;x, y;3;no\nB;;;;yes\n"
    assert read(csv) == [
        {"name": "A", "text": "a form", "tags": ["x", "y"], "complexity": 3.0, "retired": False},
        {"name": "B", "retired": True},
    ]
    assert read('[{"name": "A", "tags": ["X"]}]') == [{"name": "A", "tags": ["x"]}]
    assert [each["name"] for each in read(LINES)] == ["REST endpoint", "React form"]
