"""What is served while no version is: rates of what was observed, from coarse to fine."""

from statistics import median
from typing import NamedTuple

import numpy as np

from learners.catalog._generation.features import Features, Met
from learners.catalog._generation.memory import GenerationMemory
from learners.catalog._generation.params import LEVEL
from learners.learner import Source
from learners.numerics import robust

OBSERVED = 5  # outcomes of one key from which its rate is served
TOLD = 20  # outcomes from which the rate of everything is served
# From coarse to fine, and how many outcomes the coarser rate is worth beside the finer one.
PATH = (
    ("type", 20.0), ("project", 20.0), ("model", 20.0), ("agent", 20.0), ("agent_type", 10.0),
    ("agent_project", 10.0), ("task", 3.0), ("task_agent", 3.0),
)  # fmt: skip


class Step(NamedTuple):
    """What the memory alone says.

    Attributes:
        value: Rate, or value on the scale of effects; None: too little was told.
        low: End of the interval of a value, likewise ``high``.
        level: Finest level with enough outcomes of its own; empty: that of everything.
    """

    value: float | None
    source: Source
    n: int
    level: str = ""
    low: float = -np.inf
    high: float = np.inf


def step(memory: GenerationMemory, features: Features, known: Met, at: float) -> Step:
    """Return what the memory alone says of what a question meets."""
    cells = known.cells
    every = cells.get("all")
    told = every.n if every is not None else 0
    finest = next((lv for lv, _ in reversed(PATH) if lv in cells and cells[lv].n >= OBSERVED), "")
    if told < TOLD and not finest:
        return Step(None, "abstained", 0)
    probability = features.unit.noise is None
    # Values are shifted from the median, so that of everything must be no shift at all.
    base = features.rate(every, features.neutral, at, 1.0 if probability else 0.0)
    value = base
    for level, worth in PATH:
        value = features.rate(cells.get(level), value, at, worth)
    source: Source = "observed" if finest else "base_rate"
    n = cells[finest].n if finest else told
    if probability:
        return Step(value, source, n, finest)
    middle = median(memory.newest)
    spread = np.sort(np.array(memory.newest)) - middle
    low, high = robust.limits(spread, LEVEL)
    value += middle - base
    return Step(value, source, n, finest, value + low, value + high)
