"""The training child: `python -P -m learners.trainer DIRECTORY`.

It has no database: the events, the incumbent and the settings come in files, and so does what it
found. Libraries that write to stdout cannot reach the protocol from here, a crash of theirs ends
this process and not the server, and it ends itself when its parent is gone.
"""

import os
import platform
import resource
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from learners import codec
from learners.event_file import EventFile
from learners.learner import AnyLearner
from learners.refitting import compare, refit
from learners.registry import catalog
from learners.training import Training, train
from learners.training_files import (
    EVENTS,
    FOUND,
    INCUMBENT,
    JOB,
    PARAMS,
    SNAPSHOT,
    Found,
    Job,
    Refitted,
    libraries,
)


def main() -> None:
    """Train as the directory says."""
    os.dup2(2, 1)  # whatever prints, prints to the log
    _end_with_parent()
    _lower_priority()
    directory = Path(sys.argv[1])
    job = Job.model_validate_json((directory / JOB).read_text("utf-8"))
    if job.memory_mb:
        limit = job.memory_mb * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    backend = {"backend": job.backend} if job.backend else {}
    with joblib.parallel_config(**backend, n_jobs=job.jobs):
        _run(directory, job)


def _end_with_parent() -> None:
    """The parent holds the other end of stdin and never writes: the end of file is its end."""

    def watch() -> None:
        os.read(0, 1)  # not through sys.stdin, whose lock would outlive this thread
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


def _lower_priority() -> None:
    os.nice(15)


def _run(directory: Path, job: Job) -> None:
    learner = configured(catalog()[job.learner], job)
    if learner.revision != job.revision:
        raise SystemExit(
            f"expected revision {job.revision} of {learner.name}, got {learner.revision}"
        )
    entries = EventFile(learner, directory / EVENTS)
    incumbent = directory / INCUMBENT
    params = learner.load(incumbent.read_bytes()) if incumbent.exists() else None
    rng = np.random.default_rng(job.seed)
    if job.refit is not None:
        made, tables = refit(learner, entries, job.refit.candidate, job.refit.candidates, rng)
        refitted = Refitted(
            events=len(entries),
            events_sha256=entries.digest,
            **compare(learner, params, made, tables)._asdict(),
        )
        (directory / FOUND).write_text(refitted.model_dump_json(), "utf-8")
        return
    training = train(learner, entries, params, rng, requested=job.requested, progress=_progress)
    if training.params is not None:
        (directory / PARAMS).write_bytes(learner.dump(training.params))
    (directory / SNAPSHOT).write_bytes(codec.freeze(training.fold))
    lineage = {**_conditions(learner, job), "events": len(entries), "events_sha256": entries.digest}
    found = _found(training, lineage)
    (directory / FOUND).write_text(found.model_dump_json(), "utf-8")


def configured(learner: AnyLearner, job: Job) -> AnyLearner:
    """Return the learner with the user's catalogue entries and settings."""
    if learner.extend is not None and job.added:
        learner = learner.extend(job.added)
    return replace(
        learner,
        gate=job.gate,
        retrain=job.retrain,
    )


def _progress(step: str) -> None:
    sys.stderr.write(f"{step}\n")


def _found(training: Training[Any], lineage: Mapping[str, Any]) -> Found:
    folds = training.report.folds if training.report else ()
    return Found(
        result=training.result,
        reason=training.reason,
        candidate=training.candidate,
        outcomes=training.evidence.outcomes,
        distinct=training.evidence.distinct,
        missing=training.missing,
        memory_seq=training.fold.seq,
        accuracy=float(np.mean(folds)) if folds else None,
        report=codec.report_json(training.report) if training.report else None,
        lineage={**lineage, "memory_seq": training.fold.seq},
    )


def _conditions(learner: AnyLearner, job: Job) -> dict[str, Any]:
    """Return what it takes, beside the events, to make the version again."""
    return {
        **job.model_dump(mode="json", exclude={"learner", "refit"}),
        "rng": type(np.random.default_rng(0).bit_generator).__name__,
        "candidates": list(learner.candidates),
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "libraries": libraries(),
    }


if __name__ == "__main__":
    main()
