"""The files through which the worker and its training child speak: data, never code."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from learners.learner import Gate, Retrain


class Job(BaseModel):
    """What the child is to do.

    Attributes:
        added: The user's catalogue entries.
        requested: Somebody asked for the run.
        memory_mb: Cap of the address space; 0 is none.
        gate: As set in this installation; ``retrain`` likewise.
    """

    learner: str
    revision: int
    seed: int
    requested: bool = False
    added: tuple[dict[str, Any], ...] = ()
    memory_mb: int = 0
    jobs: int = 1
    backend: str = ""
    gate: Gate
    retrain: Retrain


class Found(BaseModel):
    """What came of it; params and snapshot lie beside in files of their own."""

    result: str
    reason: str
    candidate: str
    outcomes: int
    distinct: int
    missing: int | None
    memory_seq: int
    accuracy: float | None
    report: dict[str, Any] | None
    lineage: dict[str, Any]


JOB, EVENTS, INCUMBENT = "job.json", "events.jsonl", "incumbent"
FOUND, PARAMS, SNAPSHOT = "found.json", "params", "snapshot"


def event_line(row: Mapping[str, Any]) -> str:
    """Return a row of the log as a line."""
    return json.dumps(dict(row.items()), separators=(",", ":"), allow_nan=False) + "\n"
