"""The files through which the worker and its training child speak: data, never code."""

import importlib.metadata
import json
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from learners.learner import Gate, Retrain


class Refit(BaseModel):
    """Instead of a run: fit a candidate again as a run of these candidates did."""

    candidate: str
    candidates: tuple[str, ...]


class Job(BaseModel):
    """What the child is to do.

    Attributes:
        added: The user's catalogue entries.
        requested: Somebody asked for the run.
        memory_mb: Cap of the address space; 0 is none.
        epoch: Of the memory, and ``incumbent`` the version served, when the run began.
        gate: As set in this installation; ``retrain`` likewise.
        refit: Set, this is not a run.
    """

    learner: str
    revision: int
    seed: int
    requested: bool = False
    added: tuple[dict[str, Any], ...] = ()
    memory_mb: int = 0
    jobs: int = 1
    backend: str = ""
    epoch: int = 1
    incumbent: int | None = None
    gate: Gate
    retrain: Retrain
    refit: Refit | None = None


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


class Refitted(BaseModel):
    """What came of a refit, compared with the params that were handed over."""

    events: int
    events_sha256: str
    rows: int
    difference: float
    same_bytes: bool


JOB, EVENTS, INCUMBENT = "job.json", "events.jsonl", "incumbent"
FOUND, PARAMS, SNAPSHOT = "found.json", "params", "snapshot"
XGBOOST = "xgboost-cpu" if sys.platform == "linux" else "xgboost"
LIBRARIES = (
    "numpy", "scipy", "scikit-learn", "lightgbm", XGBOOST, "onnx", "onnxruntime", "skl2onnx",
    "onnxmltools",
)  # fmt: skip
TAUGHT = (
    "seq",
    "query",
    "option",
    "outcome",
    "source",
    "strength",
    "sample_group",
    "propensity",
    "memory_seq",
    "asked",
    "known",
    "replaced_seq",
)


def event_line(row: Mapping[str, Any]) -> str:
    """Return a row of the log as a line."""
    return json.dumps(dict(row.items()), separators=(",", ":"), allow_nan=False) + "\n"


def taught(row: Mapping[str, Any]) -> bytes:
    """Return what a row of the log teaches, for a fingerprint of all."""
    return json.dumps({name: row[name] for name in TAUGHT}, sort_keys=True).encode()


def libraries() -> dict[str, str]:
    """Return the versions of the libraries on which a fit depends."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}
