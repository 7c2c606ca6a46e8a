"""What is remembered of generations: of every agent, task, project, ... what it did to outcomes.

A cell counts the outcomes of one key exactly, with a weight that halves every ``HALF_LIFE`` days,
and holds the belief of the key's effect (`numerics.beliefs`). Weights grow with time instead of
shrinking (Cormode, G. et al. 2009), so that a correction takes back exactly what was added; beliefs
fold a correction as a new observation.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

UNIT = 2**20
HALF_LIFE = 60.0  # days
DAY = 86_400.0
EVICTED = 16  # a sixteenth of a level at a time

# Prior variance of each effect, and the most keys of its level.
LEVELS: Mapping[str, tuple[float, int]] = {
    "all": (1.0, 1),
    "type": (0.15, 16),
    "language": (0.1, 300),
    "framework": (0.1, 500),
    "agent": (0.5, 2_000),
    "model": (0.2, 1_000),
    "template": (0.2, 2_000),
    "project": (0.3, 6_000),
    "agent_type": (0.1, 3_000),
    "agent_project": (0.1, 8_000),
    "model_type": (0.1, 2_000),
    "task": (5.0, 8_000),
    "task_agent": (0.3, 8_000),
}
# Counted beside, without an effect of their own.
BESIDE: Mapping[str, tuple[float, int]] = {"setting": (0.0, 500), "cost": (0.0, 4_000)}
MOST_PATTERNS = 3_000
MOST_WORDS = 12_000
MOST_PROJECTS = 8_000  # whose beginning is remembered
MOST_TASKS = 3_000  # whose words are remembered, to recognise twins
POSTINGS = 60  # newest tasks that a word leads to


@dataclass(slots=True)
class Cell:
    """One key: outcomes, their weight and weighted sum in 1/UNIT, and the belief of its effect."""

    n: int = 0
    weight: int = 0
    total: int = 0
    mean: float = 0.0
    variance: float = 0.0
    at: float = 0.0


@dataclass(slots=True)
class Task:
    """A task's rarest words with their weights, together of length 1, to recognise its twins."""

    words: list[tuple[int, float]]
    project: str


@dataclass(slots=True)
class GenerationMemory:
    """Cells by level and key, effects of words, and the tasks that were told of.

    Attributes:
        words: Number of a word -> mean and variance of its effect, tasks it occurred in.
        leads: Number of a word -> the newest tasks with it.
        first: Project -> when it was first told of, in seconds since 1970.
        actions: Outcomes by class.
        tasks_told: Tasks whose words were counted.
        newest: The last values, on the scale of effects.
        patterns: Combination or part -> outcomes, their sum, what was expected, its variance.
    """

    cells: dict[str, dict[str, Cell]] = field(
        default_factory=lambda: {level: {} for level in (*LEVELS, *BESIDE)}
    )
    words: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    leads: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    first: dict[str, float] = field(default_factory=dict[str, float])
    actions: dict[str, int] = field(default_factory=dict[str, int])
    outcomes: int = 0
    tasks_told: int = 0
    newest: list[float] = field(default_factory=list[float])
    patterns: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


def weight_at(seconds: float) -> int:
    """Return what an outcome of this time weighs, in 1/UNIT of one of 1970."""
    return int(2.0 ** (seconds / DAY / HALF_LIFE) * UNIT)


def count(memory: GenerationMemory, level: str, key: str, weight: int, total: int) -> None:
    """Add to a key's counts, or take back; a key without outcomes and beliefs does not exist."""
    cells = memory.cells[level]
    cell = cells.get(key)
    if cell is None:
        if weight < 0:
            return  # evicted since: nothing of it is left here to take back
        variance, most = LEVELS.get(level) or BESIDE[level]
        cell = cells[key] = Cell(variance=variance)
        if len(cells) > most:
            _evict(cells, key)
    cell.n = max(0, cell.n + (1 if weight > 0 else -1))
    cell.weight = max(0, cell.weight + weight)
    cell.total = cell.total + total if cell.n else 0


def _evict(cells: dict[str, Cell], but: str) -> None:
    # By key where as much is known: what is forgotten must not depend on the order.
    weak = heapq.nsmallest(
        max(1, len(cells) // EVICTED),
        ((cell.weight, key) for key, cell in cells.items() if key != but),
    )
    for _, key in weak:
        del cells[key]
