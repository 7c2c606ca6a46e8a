"""Replay lines as examples."""

import json
from pathlib import Path
from typing import Any

import pytest

from learners.catalog.mixin_compatibility import LEARNER
from learners.errors import WrongInput
from server.replay_lines import read, schema_of

LINE: dict[str, Any] = {
    "asked": 1.0,
    "query": {"mixins": ["A", "B"], "node_type": "EFFECT"},
    "known": "1970-01-01T00:01:00Z",
    "outcome": {"success": 2, "failure": 1},
}


def test_times_are_numbers_or_iso_and_outcomes_counts_or_words(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    lines = [LINE, {**LINE, "outcome": "failure", "group": "g", "propensity": 0.5}]
    file.write_text("\n\n".join(map(json.dumps, lines)))
    first, second = read(LEARNER, file)
    assert (first.asked, first.known) == (1.0, 60.0)
    assert (first.outcome.success, second.outcome.failure) == (2, 1)
    assert (second.group, second.propensity) == ("g", 0.5)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"known": 0.5}, "known: expected a time not before asked"),
        ({"asked": "soon"}, "asked: expected seconds since 1970 or a time like"),
        ({"tea": 1}, "'tea': is not a field"),
        ({"propensity": 2}, "propensity: expected a number in (0, 1], or null"),
        ({"query": {"mixins": ["A"]}}, "query.mixins"),
        ({"outcome": {"succes": 1}}, "outcome.succes: is not a field"),
        ({"outcome": "great"}, "outcome: expected success, neutral or failure, or an object with"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + json.dumps({**LINE, **change}))
    with pytest.raises(WrongInput) as caught:
        read(LEARNER, file)
    assert str(caught.value).startswith("lines.jsonl line 2: ")
    assert expected in str(caught.value)


def test_a_csv_is_told_from_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("mixin_a,mixin_b\nA,B\n")
    with pytest.raises(WrongInput, match=r"pairs\.csv line 1: expected JSON lines, one object per"):
        read(LEARNER, file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(WrongInput, match=r"pairs\.csv: expected text in UTF-8"):
        read(LEARNER, file)


def test_the_schema_names_every_field() -> None:
    schema = schema_of(LEARNER)
    assert schema["required"] == ["asked", "query", "known", "outcome"]
    assert set(schema["properties"]) >= {"group", "propensity", "option"}
