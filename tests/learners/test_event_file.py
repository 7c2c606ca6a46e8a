"""The child's log on disk is the log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coins import LEARNER

from learners import codec
from learners.event_file import EventFile
from learners.replay import asked
from learners.training_files import event_line


def row(seq: int, **given: Any) -> dict[str, Any]:
    """Return a row as the database gives it."""
    example = LEARNER.specimen(np.random.default_rng(seq))
    plain: dict[str, Any] = {
        "seq": seq,
        "learner": "coins",
        "kind": "fact",
        "query": example.query.model_dump(mode="json"),
        "option": None,
        "outcome": example.outcome.model_dump(mode="json"),
        "source": "agent",
        "strength": 0.6,
        "sample_group": "",
        "propensity": None,
        "memory_seq": None,
        "project": "",
        "asked": None,
        "known": float(seq),
        "served": None,
        "served_version": None,
        "replaced_seq": None,
    }
    return plain | given


def corrected(before: Mapping[str, Any], seq: int) -> dict[str, Any]:
    """Return a row that takes the place of another."""
    fields = ("seq", "query", "option", "outcome", "source", "strength", "asked", "known")
    return row(seq) | {f"replaced_{name}": before[name] for name in fields}


ROWS = [row(1), row(2), row(3), corrected(row(1), 4), row(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "events.jsonl"
    found.write_text("".join(map(event_line, ROWS)), "utf-8")
    return found


def test_its_entries_are_those_of_the_rows(path: Path) -> None:
    entries = EventFile(LEARNER, path)
    expected = [codec.entry(LEARNER, each) for each in ROWS]
    assert list(entries) == expected
    assert [entries[i] for i in (0, 4, -1)] == [expected[i] for i in (0, 4, -1)]
    assert entries[1:3] == expected[1:3]
    with pytest.raises(IndexError):
        _ = entries[5]


def test_an_empty_log_has_no_entries(tmp_path: Path) -> None:
    empty = tmp_path / "events.jsonl"
    empty.write_bytes(b"")
    assert list(EventFile(LEARNER, empty)) == []


def test_the_newest_questions_are_those_settled_last_with_their_corrections(path: Path) -> None:
    entries = EventFile(LEARNER, path)
    every = asked(LEARNER, entries)
    assert [question.settled for question in every] == [1, 2, 3, 4]
    assert asked(LEARNER, entries, 2) == every[-2:]
    assert every[2].position == 0  # the corrected one was asked first
