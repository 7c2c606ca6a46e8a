"""Adjustments that past outcomes support: a setting that did better than its opposite (002-88)."""

from math import sqrt

from learners.catalog._generation.advice import Adjustment, risk_of
from learners.catalog._generation.fold import SEPARATOR
from learners.catalog._generation.memory import UNIT, GenerationMemory, weight_at
from learners.catalog._generation.types import GenerationQuery

ENOUGH = 20.0  # outcomes of each setting, those long ago counting less
SURE = 1.96
OFFERED = (
    ("cool", "warm", "temperature 0.05"),
    ("examples", "no examples", "retrieve 5 examples"),
)


def adjustments(
    memory: GenerationMemory, query: GenerationQuery, at: float, probability: float | None
) -> tuple[Adjustment, ...]:
    """Return the adjustments for a very risky generation that its kind's outcomes support."""
    if risk_of(probability) != "very_high":
        return ()
    found = list[Adjustment]()
    for better, worse, setting in OFFERED:
        one = _share(memory, query.task_type, better, at)
        other = _share(memory, query.task_type, worse, at)
        if one is None or other is None:
            continue
        (p, n), (q, m) = one, other
        low = p - q - SURE * sqrt(p * (1 - p) / n + q * (1 - q) / m)
        if low > 0:
            why = f"{p:.0%} of {n:.0f} {query.task_type} tasks with it, {q:.0%} of {m:.0f} without"
            found.append(Adjustment(setting=setting, why=why))
    return tuple(found)


def _share(
    memory: GenerationMemory, task_type: str, setting: str, at: float
) -> tuple[float, float] | None:
    """Return the share of successes under a setting, smoothed, and the outcomes behind it."""
    cell = memory.cells["setting"].get(f"{task_type}{SEPARATOR}{setting}")
    if cell is None or not cell.weight:
        return None
    n = min(float(cell.n), cell.weight / weight_at(at))
    if n < ENOUGH:
        return None
    return ((n * cell.total / UNIT / cell.weight + 0.5) / (n + 1.0), n)
