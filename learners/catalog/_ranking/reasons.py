"""Why a template stands where it stands, in words: the columns that moved it most."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from learners.catalog._ranking.columns import COLUMNS, TEXT
from learners.catalog._ranking.features import recently
from learners.catalog._ranking.memory import ACCEPTED, NOTHING, PARTS, RankingMemory, keys_of
from learners.catalog._ranking.stems import stem, stems
from learners.catalog._ranking.types import RankingQuery, Template
from learners.learner import Floats, Row
from learners.numerics.prose import terms

SHOWN = 3
WORDS = 4
LEAST = 0.02  # what moves less is no reason


class Case(NamedTuple):
    """A template with the question it is ranked for."""

    memory: RankingMemory
    query: RankingQuery
    template: Template
    row: Row
    at: float

    def value(self, column: str) -> float:
        """Return the value of a column."""
        return float(self.row[COLUMNS.index(column)])


def reasons(case: Case, moved: Floats) -> tuple[str, ...]:
    """Return what moved a template most, strongest first.

    Args:
        moved: (d,) by how much each column moved the score.
    """
    said: dict[str, None] = {}
    strongest = sorted(range(len(COLUMNS)), key=lambda i: -abs(float(moved[i])))
    for i in strongest:
        if abs(float(moved[i])) < LEAST or len(said) == SHOWN:
            break
        say = PHRASES.get(COLUMNS[i])
        text = say(case) if say else ""
        if text:
            said[text] = None
    return tuple(said)


def _words(case: Case) -> str:
    its = {*stems(case.template.name), *case.template.stems}
    its |= {s for tag in case.template.tags for s in stems(tag)}
    shared = [w for w in dict.fromkeys(terms(case.query.task_description)) if stem(w) in its]
    match = case.value("match")
    if not match:
        return "shares no word with the task"
    which = f" ({', '.join(shared[:WORDS])})" if shared else ""
    return f"words in common with the task{which}: match {match:.2f} of 1"


def _told(level: str, about: str) -> Callable[[Case], str]:
    def say(case: Case) -> str:
        key = dict(keys_of(case.query, case.template.name)).get(level, "")
        cell = case.memory.cells[level].get(key, NOTHING)
        if not sum(cell):
            return ""
        where = about.format(query=case.query)
        return f"{where}served {cell[ACCEPTED]} of the {sum(cell)} times it was seen"

    return say


def _made_for(field: str, noun: str) -> Callable[[Case], str]:
    def say(case: Case) -> str:
        its, wanted = getattr(case.template, field), getattr(case.query, field)
        same = its == wanted
        if not case.value(field):
            return ""
        return f"made for {its}{noun}" if same else f"made for {its}{noun}, not for {wanted}"

    return say


def _tags(case: Case) -> str:
    shared = [tag for tag in dict.fromkeys(case.query.tags) if tag in case.template.tags]
    return f"tags in common: {', '.join(shared)}" if shared else ""


def _alike(column: str, text: str) -> Callable[[Case], str]:
    return lambda case: text if case.value(column) else ""


def _recent(case: Case) -> str:
    good, bad = recently(case.memory, case.template.name, case.at)
    return (
        f"of late served {good:.1f} of {good + bad:.1f}, older ones counting less"
        if good + bad
        else ""
    )


def _complexity(case: Case) -> str:
    known = case.template.complexity
    return "" if known is None else f"complexity {known:g} of 10"


def _quality(case: Case) -> str:
    total, n, *_ = case.memory.worth.get(case.template.name, (0, 0, 0, 0))
    return f"quality {total / n / PARTS:.1f} of 10 on average" if n else ""


def _seconds(case: Case) -> str:
    *_, total, n = case.memory.worth.get(case.template.name, (0, 0, 0, 0))
    return f"{total / n / PARTS:.0f} s on average" if n else ""


PHRASES: Mapping[str, Callable[[Case], str]] = {
    **dict.fromkeys(TEXT, _words),
    "task_type": _made_for("task_type", " tasks"),
    "language": _made_for("language", ""),
    "framework": _made_for("framework", ""),
    "tags": _tags,
    "complexity": _complexity,
    "alike": _alike("alike", "served tasks like this one"),
    "unlike": _alike("unlike", "did not serve tasks like this one"),
    "success": _told("template", ""),
    "success_task_type": _told("task_type", "for {query.task_type} tasks "),
    "success_language": _told("language", "in {query.language} "),
    "recent": _recent,
    "project": _told("project", "in this project "),
    "user": _told("user", "for this user "),
    "quality": _quality,
    "seconds": _seconds,
}
