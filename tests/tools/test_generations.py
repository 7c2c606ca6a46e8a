"""The life of a generation, over the protocol and on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from served import client, environment, foresight, settings_for, text, url_of

from storage import decisions
from storage.database import open_database
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

TASK = {
    "task_description": "Build a login API: it must validate the email of ann@example.org",
    "task_type": "backend", "language": "python", "agent": "coder", "model": "large",
}  # fmt: skip
CODE = "class Zebra:\n    def stripes(self, n: int) -> int:\n        return n if n else 1\n"
FOUR = {"generation_success", "generation_complexity", "generation_time", "generation_quality"}


async def called(asked: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await asked.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content or {}
    return found


async def refused(asked: Client, **arguments: Any) -> str:
    result = await asked.call_tool("record_feedback", arguments)
    assert result.is_error
    return text(result)


async def test_generations_are_asked_about_finished_judged_and_corrected(asked: Client) -> None:
    async def predicted() -> dict[str, Any]:
        return await called(asked, "predict_generation_success", **TASK)

    async def told(event: str, outcome: str, **more: Any) -> dict[str, Any]:
        return await called(asked, "record_feedback", outcome=outcome, decision_id=event, **more)

    took = {"seconds": 12.5, "tokens": 900, "self_review": 8, "code": CODE, "file_path": "zoo.py"}
    events = [(await predicted())["decision_id"] for _ in range(5)]
    for event in events:
        finished = await told(event, "pending", facts=took)
        assert set(finished["learners"]) == FOUR - {"generation_success"}
        again = await told(event, "pending", facts=took)
        assert (again["effect"], again["key"]) == ("duplicate", finished["key"])
    before = await predicted()
    assert (before["success"], before["n"]) == (None, 0)  # nobody has judged one
    assert before["seconds"] == pytest.approx(12.5, rel=0.5)
    assert before["quality"] is None  # what an agent thinks of itself is no label
    for event in events:
        judged = await told(event, "success", facts={"quality": 9})
        assert set(judged["learners"]) == {"generation_success", "generation_quality"}
    after = await predicted()
    assert (after["success"] > 0.7, after["n"]) == (True, 5)
    assert after["quality"] == pytest.approx(9, abs=1)
    for event in events:
        corrected = await told(event, "failure", source="human")
        assert corrected["effect"] == "correction"
    final = await predicted()
    assert (final["success"] < 0.3, final["n"]) == (True, 5)


async def test_wrong_steps_are_explained_in_one_line(asked: Client) -> None:
    event = (await called(asked, "predict_generation_success", **TASK))["decision_id"]
    said = await refused(asked, outcome="pending", decision_id=event)
    assert said.startswith("facts: outcome pending alone says nothing to generation_")
    assert "code (with file_path, language)" in said
    said = await refused(asked, outcome="pending", decision_id=event, facts={"zebra": 1})
    assert said.startswith("facts.zebra: is not a field. Accepted: agent, model,")
    said = await refused(asked, outcome="pending", decision_id=event, facts={"action": "approve"})
    assert said.startswith("facts.action: is told once it is judged")
    pair = {"mixins": ["MixinCaching", "MixinRetry"], "node_type": "EFFECT"}
    said = await refused(asked, outcome="pending", facts=pair)
    assert said.startswith("outcome: pending is for what is judged later, such as a generation; mi")
    said = await refused(asked, outcome="pending", facts={"code": "x" * 200_001})
    assert "facts: expected at most 200000 characters of code" in said
    said = await refused(asked, outcome="success", facts={"project": "p"})
    assert said.startswith("learner: these facts could be about several; expected one of gener")


async def test_facts_find_those_who_learn_from_them(asked: Client) -> None:
    pair = {"mixins": ["MixinCaching", "MixinRetry"], "node_type": "EFFECT"}
    told = await called(asked, "record_feedback", outcome="success", facts=pair)
    assert told["learners"] == ["mixin_compatibility"]
    facts = {**TASK, "seconds": 4, "quality": 3, "code": CODE}
    told = await called(asked, "record_feedback", outcome="neutral", facts=facts, key="g1")
    assert (set(told["learners"]), told["key"], told["joined"]) == (FOUR, "g1", False)


async def test_code_that_is_not_measured_is_said_and_the_rest_is_stored(asked: Client) -> None:
    event = (await called(asked, "predict_generation_success", **TASK))["decision_id"]
    facts = {"code": CODE, "language": "cobol", "seconds": 4}
    told = await called(asked, "record_feedback", outcome="pending", decision_id=event, facts=facts)
    assert told["learners"] == ["generation_time"]
    assert told["next"].startswith("The code is not measured: language 'cobol' is not known.")
    assert told["next"].endswith(
        "Nothing more to do; to change it later, name this key in corrects."
    )


async def test_code_is_in_no_row_and_in_no_log(fresh_database: Dsn, tmp_path: Path) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path, log_level="debug")
    async with client(settings) as asked:
        event = (await called(asked, "predict_generation_success", **TASK))["decision_id"]
        facts = {"code": CODE, "language": "python"}
        for decision in (event, "7d8e9f00-0000-4000-8000-000000000000"):
            await called(
                asked, "record_feedback", outcome="pending", decision_id=decision, facts=facts
            )
        said = await refused(
            asked, outcome="pending", decision_id=event, facts={**facts, "colour": 1}
        )
        assert "Zebra" not in said
    database = await open_database(settings.where())
    rows = [
        *await database.run(decisions.export_outcomes),
        *await database.run(decisions.export_decisions),
        *await database.run(decisions.generations),
    ]
    await database.close()
    kept = json.dumps([dict(row.items()) for row in rows], default=str)
    kept += "".join(file.read_text() for file in tmp_path.rglob("*.log*"))
    assert "lines_of_code" in kept
    assert "Zebra" not in kept
    assert "stripes" not in kept


def test_the_command_line_tells_steps_too(fresh_database: Dsn, tmp_path: Path) -> None:
    env = environment(url_of(fresh_database), tmp_path)
    (tmp_path / "zoo.py").write_text(CODE)
    about = ("--key", "g1", "--facts", '{"task_type": "backend", "seconds": 5}')
    told = foresight(
        env, "tell", "pending", *about, "--code-file", "zoo.py", "--json", cwd=tmp_path
    )
    assert told.returncode == 0, told.stderr
    assert set(json.loads(told.stdout)["learners"]) == {"generation_complexity", "generation_time"}
    wrong = foresight(env, "tell", "pending", *about, "--code-file", "none.py")
    assert wrong.returncode == 1
    assert "none.py: No such file" in wrong.stderr
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe")
    binary = str(tmp_path / "binary.py")
    wrong = foresight(env, "tell", "pending", *about, "--code-file", binary)
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "foresight: --code-file: expected text in UTF-8\n",
    )
    (row,) = json.loads(foresight(env, "export", "generations", "--json").stdout)
    assert (row["event_id"], row["file_path"], row["num_classes"]) == ("g1", "zoo.py", 1)
    assert row["success"] is None
    vectors = foresight(env, "export", "features").stdout.splitlines()
    assert vectors[0].startswith("event_id,task_type,task_type_encoded,language,")
    assert vectors[1].startswith("g1,backend,")


def test_the_command_line_imports_a_history(fresh_database: Dsn, tmp_path: Path) -> None:
    env = environment(url_of(fresh_database), tmp_path)
    rows = (
        "event_id,started_at,completed_at,task_type,task_description,language,user_action,"
        "generation_time_seconds,colour\n"
        "g1,2026-01-01,2026-01-02,poetry,a form,python,approve,5,red\n"
        "g2,2026-01-01,2026-01-03,backend,a form,python,,7,blue\n"
    )
    first = foresight(env, "import", "generations", "-", "--train", given=rows)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[:3] == [
        "2 rows, 2 generations: 2 new, 0 changed, 0 known before, with 3 new outcomes; 1 not "
        "judged, 0 without any outcome, 0 repeated in the file.",
        "Told as task_type other: 'poetry' (1).",
        "Not read: colour.",
    ]
    again = foresight(env, "import", "generations", "-", "--json", given=rows)
    assert json.loads(again.stdout)["known"] == 2
    wrong = foresight(env, "import", "generations", "-", given=rows.replace("approve", "perhaps"))
    assert wrong.returncode == 2
    assert "line 2: user_action: expected approve, modify or reject" in wrong.stderr
    status = json.loads(foresight(env, "status", "generation_success", "--json").stdout)
    assert "generation_success" in json.dumps(status)
