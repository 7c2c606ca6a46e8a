"""Histories of generations: rows of the shape that spec 002 names, or with our own names."""

import csv
import io
import json
from typing import Any

import pytest
from generations import ASK, LEARNERS, NAMES
from rig import running

from learners.catalog._generation.types import GenerationQuery
from learners.errors import WrongInput
from learners.lifecycle import Lifecycle
from learners.serving import Caller
from learners.telling import Tell
from server.cli_run import plain
from server.generation_import import Plan, plan, tell
from storage import decisions
from storage.embedded import Dsn

NOW = 1_800_000_000.0
COMPLEXITY, QUALITY, SUCCESS, TIME = NAMES
ROW = {
    "event_id": "gen_t1_1", "task_id": "t1", "project_id": "shop", "user_id": "ann",
    "session_id": "s1", "started_at": "2026-03-02T10:00:00Z",
    "completed_at": "2026-03-02T10:00:30Z", "approved_at": "2026-03-02T11:00:00Z",
    "task_type": "api_endpoint", "task_description": "Build a login API: it must be safe",
    "language": "Python", "framework": "fastapi", "agent_type": "coder", "model_used": "large",
    "temperature": 0.2, "max_tokens": 8000, "rag_enabled": True, "rag_examples_count": 3,
    "rag_examples_ids": ["a", "b"], "rag_avg_similarity": 0.5,
    "file_path": "app.py", "lines_of_code": 20, "cyclomatic_complexity": 4, "num_functions": 2,
    "num_classes": 1, "has_type_hints": True, "has_docstrings": False, "has_tests": False,
    "self_review_score": 8, "self_review_feedback": "fine", "user_action": "modify",
    "user_feedback": "names", "modifications_requested": "better names",
    "final_quality_score": 7.5, "generation_time_seconds": 30, "tokens_used": 900,
    "cost_usd": 0.02, "success": False, "approved": True, "num_regenerations": 1,
    "metadata": {"tool": "x"},
}  # fmt: skip


def planned(*rows: dict[str, Any], project: str = "") -> Plan:
    return plan("\n".join(map(json.dumps, rows)), LEARNERS, project, NOW)


def as_csv(*rows: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(
        {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
        for row in rows
    )
    return out.getvalue()


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {k: v for k, v in {**ROW, **more}.items() if k not in names}


def told(found: Plan) -> dict[str, Tell]:
    return {word.tell.learner: word.tell for word in found.words}


def test_a_row_is_told_to_each_learner_when_it_became_known() -> None:
    found = planned(ROW)
    assert [word.tell.learner for word in found.words] == [COMPLEXITY, TIME, QUALITY, SUCCESS]
    start, end, judged = (1772445600.0, 1772445630.0, 1772449200.0)
    assert [word.tell.known for word in found.words] == [end, end, judged, judged]
    assert {word.tell.asked for word in found.words} == {start}
    assert {word.tell.key for word in found.words} == {"gen_t1_1"}
    assert {word.tell.verdict for word in found.words} == {"neutral", "pending"}
    assert found.words[0].caller == Caller(project="shop", user="ann", session="s1")
    facts = told(found)[SUCCESS].facts or {}
    assert (facts["task_type"], facts["agent"], facts["model"]) == ("backend", "coder", "large")
    assert (facts["regenerations"], facts["modifications"]) == (1, "better names")
    assert told(found)[SUCCESS].notes == "names"
    assert found.unread == []


def test_csv_json_and_lines_say_the_same() -> None:
    rows = [ROW, without("approved_at", event_id="gen_t1_2")]
    lines = planned(*rows)
    assert plan(json.dumps(rows), LEARNERS, "", NOW) == lines
    from_csv = plan(as_csv(*rows), LEARNERS, "", NOW)
    assert [word.tell.key for word in from_csv.words] == [word.tell.key for word in lines.words]


def test_what_nobody_has_judged_teaches_no_success() -> None:
    silent = without("user_action", "success", "approved", "final_quality_score")
    found = planned(silent)
    assert set(told(found)) == {COMPLEXITY, TIME, QUALITY}
    assert (found.unjudged, found.unfinished) == (1, 0)
    begun = {name: silent[name] for name in ("event_id", "task_type", "started_at", "language")}
    both = planned(silent, {**begun, "event_id": "gen_2"})
    assert (both.generations, both.unjudged, both.unfinished) == (2, 1, 1)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"success": True}, "success"),
        ({"success": "false", "approved": "true"}, "neutral"),
        ({"success": 0, "approved": 0}, "failure"),
        ({"success": False}, "failure"),
        ({"approved": False}, "failure"),
        ({"approved": True}, "pending"),
        ({"user_action": "Reject", "approved": True}, "failure"),
        ({"action": "approve"}, "success"),
        ({}, "pending"),
    ],
)
def test_the_verdict_is_what_the_columns_say(given: dict[str, Any], word: str) -> None:
    found = planned(without("user_action", "success", "approved") | given)
    verdict = told(found)[SUCCESS].verdict if SUCCESS in told(found) else "pending"
    assert verdict == word


def test_kinds_of_tasks_are_put_into_our_words_and_counted_where_there_is_none() -> None:
    rows = [
        without(event_id=str(i), task_type=kind)
        for i, kind in enumerate(["UI", "migration", "poetry", "poetry", "other", "docs", ""])
    ]
    found = planned(*rows)
    kinds = [
        (word.tell.facts or {}).get("task_type")
        for word in found.words if word.tell.learner == TIME
    ]  # fmt: skip
    expected = ["frontend", "database", "other", "other", "other", "documentation", None]
    assert sorted(map(str, kinds)) == sorted(map(str, expected))
    assert found.kinds == {"poetry": 2}


def test_our_own_names_are_read_too_and_columns_that_are_not_read_are_named() -> None:
    found = planned(
        {"key": "k", "text": "x", "language": "go", "model": "m", "seconds": 4, "colour": "red"}
    )
    assert [(word.tell.key, word.tell.learner) for word in found.words] == [("k", TIME)]
    assert found.words[0].tell.facts == {
        "project": "",
        "language": "go",
        "model": "m",
        "seconds": 4,
    }
    assert found.unread == ["text", "colour"]


def test_rows_without_an_id_are_known_by_what_they_say() -> None:
    row = without("event_id")
    first, again = planned(row, row), planned(row)
    assert first.repeated == 1
    assert [w.tell.key for w in first.words] == [w.tell.key for w in again.words]
    assert planned(row).words[0].tell.key != planned(row | {"cost_usd": 9}).words[0].tell.key


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"user_action": "maybe"}, "line 1: user_action: expected approve, modify or reject; got"),
        ({"success": True}, "line 1: success: contradicts user_action modify."),
        ({"approved": "perhaps"}, "line 1: approved: expected true or false, got 'perhaps'."),
        ({"metadata": "[1]"}, "line 1: metadata: expected a JSON object."),
        ({"started_at": "yesterday"}, "line 1: started_at: expected seconds since 1970"),
        ({"approved_at": "2999-01-01"}, "line 1: approved_at: expected a time in the past."),
        ({"completed_at": "2026-03-01"}, "line 1: completed_at: expected a time not before start"),
        ({"generation_time_seconds": -1}, "line 1: generation_time_seconds: expected greater than"),
        ({"temperature": "hot"}, "line 1: temperature: expected a valid number"),
        ({"final_quality_score": 11}, "line 1: final_quality_score: expected less than or equal"),
        ({"event_id": "x" * 201}, "line 1: event_id: expected at most 200 characters."),
    ],
)
def test_a_wrong_row_is_named_by_its_own_column(given: dict[str, Any], expected: str) -> None:
    with pytest.raises(WrongInput) as caught:
        planned(without(**given))
    assert str(caught.value).startswith(expected)
    assert str(caught.value).endswith("Nothing was imported.")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", '{"event_id": "x", "language": "go"}'])
def test_a_file_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(WrongInput, match="expected rows with columns such as event_id"):
        plan(text, LEARNERS, "", NOW)


def test_long_descriptions_are_cut_and_long_code_is_left_out() -> None:
    found = planned(without(task_description="x" * 30_000, generated_code="y" * 300_000))
    assert found.cut == 1
    facts = told(found)[COMPLEXITY].facts or {}
    assert len(facts["task_description"]) == 20_000
    assert "code" not in facts
    assert facts["measured"]["lines_of_code"] == 20


def test_lists_and_flags_are_read_however_they_are_written() -> None:
    row = without("rag_examples_count", "lines_of_code", rag_examples_ids="a", rag_enabled="no")
    found = planned({**row, "modifications_requested": ["names", "tests"], "success": "false"})
    facts = told(found)[SUCCESS].facts or {}
    assert (facts["rag_examples"], facts["modifications"]) == (0, "names; tests")
    kept = (told(found)[TIME].facts or {})["metadata"]
    assert kept["rag_examples_ids"] == ["a"]
    assert kept["cyclomatic_complexity"] == 4  # alone it is not what code measures
    assert "measured" not in (told(found).get(COMPLEXITY, Tell(verdict="pending")).facts or {})


def test_times_that_are_missing_are_made_of_those_that_are_there() -> None:
    def known(*names: str, **more: Any) -> float:
        return told(planned(without("completed_at", *names, **more)))[TIME].known or 0.0

    start, judged = 1772445600.0, 1772449200.0
    assert known() == start + 30
    assert known("approved_at", "started_at") == NOW
    assert known("started_at") == judged
    assert known(generation_time_seconds=1e6) == judged
    assert known("generation_time_seconds") == start
    with pytest.raises(
        WrongInput, match="line 1: generation_time_seconds: expected a valid number"
    ):
        known(generation_time_seconds="long")


async def imported(lifecycle: Lifecycle, found: Plan) -> dict[str, Any]:
    return await tell(lifecycle, found, lambda done: None)


@pytest.mark.anyio
async def test_importing_twice_changes_nothing_and_what_changed_corrects(
    fresh_database: Dsn,
) -> None:
    rows = [without(event_id=f"gen_{i}", task_type="backend") for i in range(3)]
    rows[2] = {k: v for k, v in rows[2].items() if k not in ("user_action", "success", "approved")}
    async with running(fresh_database, LEARNERS) as lifecycle:
        once = await imported(lifecycle, planned(*rows))
        assert once == {"new": 3, "changed": 0, "known": 0, "outcomes": 11, "not_measured": 0}
        memories = {name: lifecycle.live(name).fold.memory.n for name in NAMES}
        assert memories == {COMPLEXITY: 3, QUALITY: 3, SUCCESS: 2, TIME: 3}
        again = await imported(lifecycle, planned(*rows))
        assert again == {"new": 0, "changed": 0, "known": 3, "outcomes": 0, "not_measured": 0}
        rows[0] |= {"final_quality_score": 2, "user_action": "reject", "approved": False}
        rows[2] |= {"user_action": "approve", "success": True}
        mended = await imported(lifecycle, planned(*rows))
        assert (mended["new"], mended["changed"], mended["known"]) == (1, 1, 1)
        last = await imported(lifecycle, planned(*rows))
        assert (last["known"], last["outcomes"]) == (3, 0)
        assert lifecycle.live(SUCCESS).fold.memory.n == 3
        events = {row["event_id"]: row for row in await lifecycle.run(decisions.generations)}
        assert [events[f"gen_{i}"]["user_action"] for i in range(3)] == [
            "reject", "modify", "approve",
        ]  # fmt: skip
        assert events["gen_0"]["final_quality_score"] == 2


@pytest.mark.anyio
async def test_what_is_exported_can_be_imported_elsewhere_and_is_known_here(
    fresh_databases: tuple[Dsn, Dsn],
) -> None:
    here, elsewhere = fresh_databases
    async with running(here, LEARNERS) as lifecycle:
        query = GenerationQuery.model_validate({**ASK, "rag_examples": 2})
        caller = Caller(project="p", user="ann", session="s")
        event = lifecycle.ask_together(NAMES, query, caller)[SUCCESS].id
        facts = {"seconds": 3, "code": "def f():\n    pass\n", "self_review": 4}
        await lifecycle.tell(Tell(decision_id=event, verdict="pending", facts=facts), caller)
        judged = Tell(decision_id=event, verdict="success", facts={"quality": 6}, notes="good")
        await lifecycle.tell(judged, caller)
        await imported(lifecycle, planned(ROW))
        rows = [plain(dict(row.items())) for row in await lifecycle.run(decisions.generations)]
        found = plan(as_csv(*rows), LEARNERS, "", 4e9)
        assert (await imported(lifecycle, found))["outcomes"] == 0
    async with running(elsewhere, LEARNERS) as lifecycle:
        assert (await imported(lifecycle, found))["new"] == 2
        again = [plain(dict(row.items())) for row in await lifecycle.run(decisions.generations)]
    for one, other in zip(again, rows, strict=True):
        assert {k: (v, other[k]) for k, v in one.items() if v != other[k]} == {}


@pytest.mark.anyio
async def test_code_of_a_history_is_measured(fresh_database: Dsn) -> None:
    code = {"generated_code": "def f(x):\n    return 1 if x else 2\n"}
    rows = [
        without("lines_of_code", "cyclomatic_complexity", **code),
        without(event_id="cobol", language="cobol", file_path="", **code),
        without("lines_of_code", **code, event_id="nothing", language="cobol", file_path=""),
    ]
    async with running(fresh_database, LEARNERS) as lifecycle:
        result = await imported(lifecycle, planned(*rows))
        assert (result["new"], result["not_measured"]) == (3, 2)
        events = {row["event_id"]: row for row in await lifecycle.run(decisions.generations)}
        assert events["gen_t1_1"]["lines_of_code"] == 2
        assert events["cobol"]["lines_of_code"] == ROW["lines_of_code"]
        assert events["nothing"]["lines_of_code"] is None
