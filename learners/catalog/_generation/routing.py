"""The cheapest agent or model whose success is within a margin of the best (002-04).

Success comes from the outcomes, through the same predictions that answers show; cost from what
generations really cost. Who has too few of either is not proposed.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from learners.catalog._generation.features import Features, met
from learners.catalog._generation.fold import SEPARATOR
from learners.catalog._generation.ladder import OBSERVED, step
from learners.catalog._generation.memory import UNIT, GenerationMemory
from learners.catalog._generation.params import GenerationParams
from learners.catalog._generation.types import GenerationQuery

By = Literal["agent", "model"]

MARGIN = 0.02  # of the probability of success
MOST = 12  # that are compared, those told of most often


class Route(NamedTuple):
    """Somebody who could do it.

    Attributes:
        n: Outcomes of its own.
        usd: Mean cost of a generation; None: not known.
        priced: Generations whose cost is known.
    """

    name: str
    probability: float
    n: int
    usd: float | None
    priced: int


class Routing(NamedTuple):
    """Who was compared, the best first, and the cheapest within the margin of it, if any."""

    by: By
    margin: float
    compared: tuple[Route, ...]
    chosen: Route | None
    reason: str


def route(
    success: tuple[GenerationParams | None, GenerationMemory],
    costs: GenerationMemory,
    features: Features,
    query: GenerationQuery,
    at: float,
    by: By = "agent",
    margin: float = MARGIN,
) -> Routing:
    """Return who should do it.

    Args:
        success: Params and memory of the learner of success.
        costs: Memory of the learner of time, which keeps what generations cost.
        at: Seconds since 1970.
    """
    params, memory = success
    told = sorted(
        (name for name, cell in memory.cells[by].items() if cell.n >= OBSERVED),
        key=lambda name: (-memory.cells[by][name].n, name),
    )[:MOST]
    if not told:
        return Routing(by, margin, (), None, f"no {by} has {OBSERVED} judged generations yet")
    said = _probabilities(params, memory, features, query, at, by, told)
    found = [
        Route(name, p, memory.cells[by][name].n, *_cost(costs, by, name, query.task_type))
        for name, p in zip(told, said, strict=True)
    ]
    found.sort(key=lambda each: (-each.probability, each.name))
    return _chosen(by, margin, tuple(found))


def _chosen(by: By, margin: float, found: tuple[Route, ...]) -> Routing:
    best = found[0]
    near = [each for each in found if each.probability >= best.probability - margin]
    priced = [each for each in near if each.usd is not None]
    if not priced:
        reason = f"no cost is known of those within {margin:g} of {best.name}"
        return Routing(by, margin, found, None, reason)
    chosen = min(priced, key=lambda each: (each.usd or 0.0, -each.probability, each.name))
    reason = (
        f"cheapest {by} within {margin:g} of {best.name} ({best.probability:.2f}): "
        f"${chosen.usd:.2f} a generation"
    )
    unknown = len(near) - len(priced)
    return Routing(
        by,
        margin,
        found,
        chosen,
        f"{reason}; of {unknown} others as good no cost is known" if unknown else reason,
    )


def _probabilities(
    params: GenerationParams | None,
    memory: GenerationMemory,
    features: Features,
    query: GenerationQuery,
    at: float,
    by: By,
    names: Sequence[str],
) -> list[float]:
    asked = [query.model_copy(update={by: name}) for name in names]
    first = met(memory, query, at)
    known = [met(memory, each, at, like=first) for each in asked]
    if params is None:
        steps = [step(memory, features, each, at).value for each in known]
        return [0.0 if value is None else value for value in steps]
    pairs = zip(asked, known, strict=True)
    rows = np.stack([features.row(memory, each, it, at) for each, it in pairs])
    found: list[float] = params.predict(rows).tolist()
    return found


def _cost(costs: GenerationMemory, by: By, name: str, task_type: str) -> tuple[float | None, int]:
    """Return the mean cost: for this kind of task where enough is known, else for all."""
    who = f"{by}{SEPARATOR}{name}"
    for key in (f"{who}{SEPARATOR}{task_type}", who):
        cell = costs.cells["cost"].get(key)
        if cell is not None and cell.n >= OBSERVED:
            return cell.total / UNIT / cell.weight, cell.n
    return None, 0
