"""The rows of the generation family: what is asked, and what was told earlier of such things.

Nothing here is known only after the generation (X-02, X-04); history comes from the fold alone
(X-15, X-16). An unknown number is 0 with its ``known`` column 0. Names have no columns of their
own: what was learned of a name is in its cell, and an unseen one is unseen (X-30).
"""

from collections.abc import Sequence
from math import cos, log1p, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

from learners.catalog._generation.fold import (
    LASTING,
    UNKNOWN_TASK,
    Unit,
    belief,
    keys_of,
    rarity,
    word_beliefs,
)
from learners.catalog._generation.memory import DAY, LEVELS, UNIT, Cell, GenerationMemory, weight_at
from learners.catalog._generation.text import FLAGS, LONG, TaskText
from learners.catalog._generation.twins import Twin, twins
from learners.catalog._generation.types import TASK_TYPES, GenerationQuery
from learners.learner import Option, Row
from learners.numerics import beliefs
from learners.numerics.beliefs import Belief

BASE = {"backend": 5.0, "frontend": 4.0, "database": 6.0, "testing": 3.0, "documentation": 2.0}
OTHER, A_WORD, A_LONG_TEXT, MOST = 4.0, 0.5, 1.0, 10.0  # 002-71, -72
RATED = (
    "all", "type", "language", "framework", "agent", "model", "template", "project", "agent_type",
    "agent_project", "task",
)  # fmt: skip
PLACES = 3  # decimals of a feature
SHRINK = 5.0  # outcomes that the rate of everything is worth
OPTIONAL = (
    "temperature", "max_tokens", "rag_examples", "rag_quality", "rag_similarity", "files", "lines",
    "dependencies", "queue", "load", "estimate", "expected_success", "expected_complexity",
)  # fmt: skip
LOGGED = ("max_tokens", "files", "lines", "dependencies", "queue", "rag_examples")
SAID = (
    "length", "requirements", "technical_terms", "entities", "relationships", "constraints",
    "complex_words",
)  # fmt: skip
REQUEST = (
    *(f"is_{name}" for name in TASK_TYPES),
    *SAID,
    *(f"says_{name}" for name in FLAGS),
    "rule_of_thumb",
    *OPTIONAL,
    *(f"{name}_known" for name in OPTIONAL),
    "hour_sin", "hour_cos", "weekday_sin", "weekday_cos",
)  # fmt: skip
HISTORY = (
    "maturity",
    *(f"{level}_effect" for level in LEVELS),
    *(f"{level}_n" for level in LEVELS),
    *(f"{level}_rate" for level in RATED),
    "expected",
    "spread",
    "task_new",
    "expected_if_new",
    "expected_by_told",
    "words_if_new",
    "words_effect",
    "words_spread",
    "twin_similarity",
    "twin_effect",
    "twin_rate",
    "twin_n",
)
COLUMNS = (*REQUEST, *HISTORY)

# Those of 002-28 ... -31, -34 ... -37, -39 and -40, for learners of values.
SPECIFIED_VALUES = (
    *SAID, *(f"says_{name}" for name in FLAGS), "rule_of_thumb", "type_rate", "twin_rate",
    "task_rate", "framework_rate", "agent_rate", "model_rate", "dependencies", "lines", "files",
    "temperature", "queue", "load", "rag_examples", "rag_quality", "expected_success",
    "expected_complexity", "agent_type_rate",
)  # fmt: skip

# The option of a row as if its task had never been told of. Nearly all rows know their task, and
# nearly all questions do not: without such rows beside, models would learn little of new tasks.
NEW = "as if new"

# The sixteen of 002-64, each category by what was learned of it instead of an arbitrary code.
SPECIFIED = (
    "type_rate", "language_rate", "framework_rate", "rule_of_thumb", "length", "requirements",
    "technical_terms", "twin_rate", "agent_rate", "model_rate", "rag_examples", "rag_quality",
    "rag_similarity", "hour_sin", "weekday_sin", "maturity",
)  # fmt: skip


class Met(NamedTuple):
    """What a question meets in memory.

    Attributes:
        cells: By level, for the keys that were told of.
        effects: By level, for all keys of the question.
        words: What the description's words add, together.
        twins: Similar tasks, each with the cell of what was told of it.
    """

    cells: dict[str, Cell]
    effects: dict[str, Belief]
    words: Belief
    twins: tuple[tuple[Twin, Cell], ...]

    @property
    def whole(self) -> Belief:
        """Return the sum of all effects but the words'."""
        return beliefs.together(list(self.effects.values()))


def met(
    memory: GenerationMemory,
    query: GenerationQuery,
    at: float,
    *,
    new: bool = False,
    like: Met | None = None,
) -> Met:
    """Return what a question meets in memory at a time, in seconds since 1970.

    Args:
        new: As if nothing of the task itself had been told.
        like: What a question about the same task met, which spares looking for its twins anew.
    """
    cells, effects = dict[str, Cell](), dict[str, Belief]()
    for level, key in keys_of(query):
        cell = None if new and level in LASTING else memory.cells[level].get(key)
        effects[level] = belief(level, cell, at)
        if cell is not None and cell.n:
            cells[level] = cell
    effects.setdefault("task", UNKNOWN_TASK)
    if like is not None:
        return Met(cells, effects, like.words, like.twins)
    words = rarity(memory, query.said.weights)
    together = beliefs.together(word_beliefs(memory, words), [weight for _, weight in words])
    told = memory.cells["task"]
    alike = [(twin, told.get(twin.task)) for twin in twins(memory, query, words)]
    known = tuple((twin, cell) for twin, cell in alike if cell is not None and cell.n)
    return Met(cells, effects, together, known)


def rule_of_thumb(query: GenerationQuery) -> float:
    """Return the specified guess at complexity, 0 to 10 (002-71, -72); a guess, no estimate."""
    said = query.said
    found = BASE.get(query.task_type, OTHER) + A_WORD * said.complex_words
    return min(MOST, found + (A_LONG_TEXT if said.length > LONG else 0.0))


class Features:
    """The feature code of one learner of the family."""

    def __init__(self, unit: Unit) -> None:
        """Keep on which scale effects are."""
        self.unit = unit
        self.neutral = unit.centre if unit.noise is not None else 0.5

    def __call__(
        self, memory: GenerationMemory, query: GenerationQuery, option: Option, at: float
    ) -> Row:
        """Return the row of a question asked at a time, in seconds since 1970."""
        known = met(memory, query, at, new=option == NEW)
        return self.row(memory, query, known, at)

    def row(self, memory: GenerationMemory, query: GenerationQuery, known: Met, at: float) -> Row:
        """Return the row, given what the question meets."""
        values = [
            *_types(query.task_type),
            *_said(query.said),
            rule_of_thumb(query),
            *_optional(query),
            *_clock(at + 60.0 * query.utc_offset),
            *self._history(memory, query, known, at),
        ]
        # So that a threshold between two values is still between them as float32 (export gate).
        return np.round(values, PLACES).astype(np.float32)

    def _history(
        self, memory: GenerationMemory, query: GenerationQuery, known: Met, at: float
    ) -> list[float]:
        first = memory.first.get(query.project, at)
        effects, cells = known.effects, known.cells
        whole = known.whole
        expected = whole.mean / self._flattened(whole)
        told = cells["task"].n if "task" in cells else 0
        new = float(not told)
        return [
            log1p(max(0.0, at - first) / DAY),
            *(effects[level].mean if level in effects else 0.0 for level in LEVELS),
            *(log1p(cells[level].n) if level in cells else 0.0 for level in LEVELS),
            *self.rates(cells, at),
            expected,
            sqrt(whole.variance),
            new,
            new * expected,
            log1p(told) * expected,
            new * known.words.mean,
            known.words.mean,
            sqrt(known.words.variance),
            *self._twins(cells, known.twins, at),
        ]

    def _flattened(self, whole: Belief) -> float:
        """Return by how much log odds shrink towards 0 because they are not known for sure."""
        return sqrt(1 + pi * whole.variance / 8) if self.unit.noise is None else 1.0

    def rates(self, cells: dict[str, Cell], at: float) -> list[float]:
        """Return each level's decayed mean, shrunk to that of everything."""
        all_of = self.rate(cells.get("all"), self.neutral, at)
        return [
            all_of if level == "all" else self.rate(cells.get(level), all_of, at) for level in RATED
        ]

    def rate(self, cell: Cell | None, parent: float, at: float, shrink: float = SHRINK) -> float:
        """Return a cell's decayed mean, shrunk to another one."""
        if cell is None or not cell.weight:
            return parent
        weight = cell.weight / weight_at(at)
        mean = cell.total / UNIT / cell.weight
        return (shrink * parent + weight * mean) / (shrink + weight)

    def _twins(
        self, cells: dict[str, Cell], found: Sequence[tuple[Twin, Cell]], at: float
    ) -> list[float]:
        all_of = self.rate(cells.get("all"), self.neutral, at)
        if not found:
            return [0.0, 0.0, all_of, 0.0]
        weight = [twin.similarity**2 * cell.n / (cell.n + 1.0) for twin, cell in found]
        total = sum(weight)
        pairs = list(zip(weight, (cell for _, cell in found), strict=True))
        effect = sum(w * cell.mean for w, cell in pairs) / total
        rate = sum(w * self.rate(cell, all_of, at, 1.0) for w, cell in pairs) / total
        return [found[0][0].similarity, effect, rate, log1p(sum(cell.n for _, cell in pairs))]


def _types(task_type: str) -> list[float]:
    return [float(task_type == name) for name in TASK_TYPES]


def _said(said: TaskText) -> list[float]:
    counts = [log1p(float(getattr(said, name))) for name in SAID]
    return [*counts, *(float(name in said.flags) for name in FLAGS)]


def _optional(query: GenerationQuery) -> list[float]:
    values, known = list[float](), list[float]()
    for name in OPTIONAL:
        value = getattr(query, name)
        number = 0.0 if value is None else float(value)
        values.append(log1p(number) if name in LOGGED else number)
        known.append(float(value is not None))
    return [*values, *known]


def _clock(seconds: float) -> list[float]:
    """Return hour and weekday as points on circles: 23 and 0 are neighbours (X-29)."""
    hour = 2 * pi * (seconds / 3600.0 % 24.0) / 24.0
    weekday = 2 * pi * ((seconds // DAY + 3) % 7) / 7.0
    return [sin(hour), cos(hour), sin(weekday), cos(weekday)]
