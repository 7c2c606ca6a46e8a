"""Makes a version again from the stored rows, in the training child, and compares the two."""

import platform
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from learners.errors import NotReproducible, UnknownVersion
from learners.learner import AnyLearner
from learners.training_child import TrainingFailed, refitted, write_events
from learners.training_files import INCUMBENT, JOB, Job, Refit, Refitted, libraries
from storage import versions
from storage.database import Database

TOLERANCE = 1e-6
NEEDED = (
    "memory_seq",
    "seed",
    "events",
    "candidates",
    "events_sha256",
    "gate",
    "retrain",
    "memory_mb",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came of making a version again.

    Attributes:
        difference: The largest between what is stored and what was made, over all its rows.
        unchanged: Whether the stored rows are those that it was trained on.
        warnings: What is not as it was, and may explain a difference.
    """

    learner: str
    version: int
    candidate: str
    events: int
    rows: int
    difference: float
    same_bytes: bool
    unchanged: bool
    warnings: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the version was reproduced."""
        return self.unchanged and self.difference <= TOLERANCE


async def reproduce(database: Database, learner: AnyLearner, number: int) -> Reproduction:
    """Refit a version exactly as its run did and compare the predictions.

    Raises:
        UnknownVersion: With the versions there are.
        NotReproducible: It cannot be done, and why.
    """
    name = learner.name
    found = await database.run(partial(versions.read, learner=name, number=number))
    if found is None:
        known = await database.run(partial(versions.versions, learner=name))
        if not known:
            raise UnknownVersion(f"version: nothing of {name} was trained yet; ask for a run first")
        shown = ", ".join(str(each["number"]) for each in known)
        raise UnknownVersion(f"version: expected one of {shown}; got {number}")
    row = dict(found.items())
    _check(learner, row)
    lineage = row["lineage"]
    job = _job(learner, row)
    with tempfile.TemporaryDirectory(prefix="foresight-") as folder:
        directory = Path(folder)
        await write_events(database, name, directory, until=lineage["memory_seq"])
        (directory / INCUMBENT).write_bytes(row["params"])
        (directory / JOB).write_text(job.model_dump_json(), "utf-8")
        try:
            made = await refitted(directory)
        except TrainingFailed as error:
            raise NotReproducible(
                f"version {number} of {name} could not be refitted: {error}"
            ) from None
    return _result(name, row, made)


def _check(learner: AnyLearner, row: Mapping[str, Any]) -> None:
    """Raise NotReproducible, in words, where no refit can be the same."""
    version = f"version {row['number']} of {learner.name}"
    if row["erasure"] is not None:
        raise NotReproducible(
            f"{version} cannot be reproduced: rows that it was trained on were forgotten since "
            f"(erasure {row['erasure']}; see `foresight audit`), and its params with them"
        )
    if row["params"] is None:
        raise NotReproducible(
            f"{version} cannot be compared: it is old and was never served, so only its report is "
            "kept"
        )
    if row["revision"] != learner.revision:
        raise NotReproducible(
            f"{version} cannot be reproduced: it was made by revision {row['revision']} of the "
            f"features, this program has {learner.revision}; use the program that made it"
        )
    missing = [name for name in NEEDED if name not in row["lineage"]]
    if missing:
        raise NotReproducible(
            f"{version} cannot be reproduced: its run did not note {', '.join(missing)}; "
            "versions made from now on can be"
        )
    if row["candidate"] not in learner.candidates:
        raise NotReproducible(
            f"{version} cannot be reproduced: this program has no candidate {row['candidate']!r}"
        )


def _job(learner: AnyLearner, row: Mapping[str, Any]) -> Job:
    lineage = row["lineage"]
    try:
        return Job(
            learner=learner.name,
            revision=row["revision"],
            seed=lineage["seed"],
            added=lineage.get("added", ()),
            memory_mb=lineage["memory_mb"],  # some libraries work otherwise where it is short
            gate=lineage["gate"],
            retrain=lineage["retrain"],
            refit=Refit(candidate=row["candidate"], candidates=lineage["candidates"]),
        )
    except ValidationError as error:
        raise NotReproducible(f"what the run of version {row['number']} noted: {error}") from None


def _result(name: str, row: Mapping[str, Any], found: Refitted) -> Reproduction:
    lineage = row["lineage"]
    return Reproduction(
        learner=name,
        version=row["number"],
        candidate=row["candidate"],
        events=found.events,
        rows=found.rows,
        difference=found.difference,
        same_bytes=found.same_bytes,
        unchanged=found.events_sha256 == lineage["events_sha256"],
        warnings=tuple(_warnings(lineage, found)),
    )


def _warnings(lineage: Mapping[str, Any], found: Refitted) -> list[str]:
    said = list[str]()
    if found.events_sha256 != lineage["events_sha256"]:
        said.append(
            "the stored rows are not those that it was trained on: "
            f"{found.events} now, {lineage['events']} then"
            + ("" if found.events != lineage["events"] else ", and at least one was changed")
        )
    now = {"python": sys.version.split()[0], "machine": platform.machine(), **libraries()}
    then = {
        "python": lineage.get("python"),
        "machine": lineage.get("machine"),
        **lineage.get("libraries", {}),
    }
    said += [
        f"{what} is {now[what]} now and was {then[what]} then"
        for what in now
        if then.get(what) not in (None, now[what])
    ]
    return said
