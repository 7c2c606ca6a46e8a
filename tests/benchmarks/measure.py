"""What a benchmark finds: a figure beside its floor and its goal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure.

    Attributes:
        name: What was measured.
        value: The figure; where there is a floor, the ratio to it.
        unit: Of the figure; ``x`` is a ratio.
        goal: What it should reach; None for what is only shown.
        least: The goal is a lower bound.
        detail: The figures behind a ratio, or how it was measured.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    least: bool = False
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.least else self.value <= self.goal

    @property
    def wanted(self) -> str:
        """The goal in words."""
        if self.goal is None:
            return ""
        return f"{'at least' if self.least else 'at most'} {self.goal:g} {self.unit}"


def quantile(values: Sequence[float], q: float) -> float:
    """Return a quantile; ``q`` between 0 and 1."""
    return float(np.quantile(np.asarray(values), q))
