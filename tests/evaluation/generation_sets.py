"""Reads the data folders about generations into examples, as an integration would tell of them.

No feature is made here: what is known when a task arrives goes into the question's own fields, and
the rest into the outcome.
"""

import csv
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from learners.catalog._generation.text import described
from learners.catalog._generation.types import (
    LONGEST,
    ComplexityOutcome,
    GenerationQuery,
    SuccessOutcome,
    TimeOutcome,
)
from learners.learner import Example

Generation: TypeAlias = Example[GenerationQuery, Any]

# The commit types of the source as kinds of task; the rest of them is "other".
KINDS = {
    "docs": "documentation", "test": "testing", "refactor": "refactoring", "ci": "devops",
    "build": "devops", "feat": "implementation", "fix": "implementation",
}  # fmt: skip
BENCHES = {"swe-bench": "implementation", "swt-bench": "testing"}
PROJECTS = (
    "appceleratorstudio", "aptanastudio", "bamboo", "clover", "datamanagement", "duracloud",
    "jirasoftware", "mesos",
)  # fmt: skip
# Hours in which people said a task could be done, as classes on the 0 to 10 of complexity.
DIFFICULTY = {"<15 min fix": 2.0, "15 min - 1 hour": 4.0, "1-4 hours": 7.0, ">4 hours": 7.0}
# Seconds from a question to the next, and to its outcome, where the data has no times: so few that
# what is made of time (age, hour, weekday) is the same for all and says nothing.
BETWEEN, TAKES = 1e-4, 5e-5
A_MINUTE = 60.0


class Run(NamedTuple):
    """An agent on an instance of a bench."""

    bench: str
    agent: str
    instance: str
    resolved: bool


class Project(NamedTuple):
    """Issues that teach, and later ones that judge; ``points`` are the latter's, (n,)."""

    earlier: Sequence[Generation]
    later: Sequence[Generation]
    points: Sequence[float]


def openhands_index(folder: Path, bench: str) -> tuple[Run, ...]:
    """Return the runs of one bench, in the order of the file."""
    rows = _rows(folder / "openhands_index" / "runs.csv.gz")
    return tuple(
        Run(bench, row["agent"], row["instance"], row["resolved"] == "1")
        for row in rows
        if row["bench"] == bench
    )


def one_after_another(runs: Iterable[Run], start: int = 0) -> list[Generation]:
    """Return runs as examples in the order given: each is known before the next is asked.

    Args:
        start: Runs that went before them.
    """
    return [
        Example(
            query=GenerationQuery.model_validate(
                {
                    "task_key": run.instance,
                    "project": run.instance.rsplit("-", 1)[0],
                    "agent": run.agent,
                    "model": run.agent.split("/")[-1],
                    "task_type": BENCHES[run.bench],
                }
            ),
            outcome=SuccessOutcome(action="approve" if run.resolved else "reject"),
            asked=BETWEEN * i,
            known=BETWEEN * i + TAKES,
        )
        for i, run in enumerate(runs, start)
    ]


def aidev_prs(folder: Path) -> list[tuple[Generation, Generation]]:
    """Return closed pull requests by the time they were opened, each as success and as time taken.

    The words are those of the title; of the body only the length is there. The commit type says
    more than our kinds of task, whose list is closed, so it also stands for the framework, whose
    names are open. A minute is added to every time, as the data's README does.
    """
    found = list[tuple[Generation, Generation]]()
    for row in _rows(folder / "aidev_prs" / "prs.csv.gz"):
        if row["state"] != "closed":
            continue
        asked, closed = _seconds(row["created_at"]), _seconds(row["closed_at"])
        query = _pull_request(row)
        merged = SuccessOutcome(action="approve" if row["merged"] == "1" else "reject")
        took = TimeOutcome(seconds=3600.0 * float(row["hours_to_close"]) + A_MINUTE)
        found.append(
            (
                _at(query, merged, asked, closed, row["repo"]),
                _at(query, took, asked, closed, row["repo"]),
            )
        )
    return sorted(found, key=lambda both: both[0].asked)


def _pull_request(row: Mapping[str, str]) -> GenerationQuery:
    said = described(row["title"])
    length = int(row["title_len"]) + int(row["body_len"])
    return GenerationQuery.model_validate(
        {
            "task_description": row["title"],
            "text": said.model_copy(update={"length": length}),
            "task_type": KINDS.get(row["type"], "other"),
            "framework": row["type"],
            "language": row["language"],
            "agent": row["agent"],
            "project": row["repo"],
            "dependencies": int(row["n_issues"]),  # issues that it refers to
        }
    )


def _at(query: GenerationQuery, outcome: Any, asked: float, known: float, group: str) -> Generation:
    return Example(query=query, outcome=outcome, asked=asked, known=max(asked, known), group=group)


def story_points(folder: Path, name: str) -> Project:
    """Return the issues of a project in their order, divided as in the papers."""
    rows = list(_rows(folder / "story_points" / f"{name}.csv.gz"))
    told = [
        _told(i, f"{row['title']}\n{row['description']}", name, row["issue"], row["story_points"])
        for i, row in enumerate(rows)
    ]
    test = [row["split"] == "test" for row in rows]
    return Project(
        [each for each, later in zip(told, test, strict=True) if not later],
        [each for each, later in zip(told, test, strict=True) if later],
        [float(row["story_points"]) for row, later in zip(rows, test, strict=True) if later],
    )


def swebench_verified_tasks(folder: Path) -> list[Generation]:
    """Return tasks by the time they were written, with the class of their difficulty."""
    place = folder / "swebench_verified_tasks"
    with gzip.open(place / "problem_statements.jsonl.gz", "rt", encoding="utf-8") as lines:
        said = {(each := json.loads(line))["instance"]: each["problem_statement"] for line in lines}
    rows = sorted(_rows(place / "tasks.csv"), key=lambda row: row["created_at"])
    return [
        _told(i, said[row["instance"]], row["repo"], row["instance"], DIFFICULTY[row["difficulty"]])
        for i, row in enumerate(rows)
    ]


def _told(i: int, text: str, project: str, key: str, complexity: float | str) -> Generation:
    query = GenerationQuery(task_description=text[:LONGEST], project=project, task_key=key)
    outcome = ComplexityOutcome(complexity=float(complexity))
    return Example(query=query, outcome=outcome, asked=BETWEEN * i, known=BETWEEN * i + TAKES)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(UTC).timestamp()


def _rows(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
