"""Judging: metrics with intervals, paired differences, and the gate that admits a candidate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from learners.learner import Floats, Gate, Table
from learners.numerics import intervals, metrics
from learners.numerics.intervals import Interval
from learners.numerics.scoring import Kind, Scoring

Metric: TypeAlias = Callable[[Floats, Floats, Floats], float]
Bounds: TypeAlias = tuple[Floats, Floats]

FLOORS_OFF = "FORESIGHT_FLOORS=off leaves them out"
PROBABILITY: Mapping[str, Metric] = {
    "log_loss": metrics.log_loss,
    "brier": metrics.brier,
    "accuracy": metrics.accuracy,
    "balanced_accuracy": metrics.balanced_accuracy,
    "precision": metrics.precision,
    "recall": metrics.recall,
    "f1": metrics.f1,
    "auc": metrics.auc,
    "ece": metrics.ece,
}
VALUE: Mapping[str, Metric] = {
    "absolute_error": metrics.absolute_error,
    "root_square_error": metrics.root_square_error,
    "bias": metrics.bias,
    "rank_correlation": metrics.rank_correlation,
}
METRICS: Mapping[Kind, Mapping[str, Metric]] = {"probability": PROBABILITY, "value": VALUE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What judging found; stored with the version and shown on its card.

    Attributes:
        rows: Held-out rows, and ``observations`` the weight they stand for.
        groups: Held-out groups.
        metrics: Per contender, per metric.
        ece_noise: Per contender, the calibration error that a perfectly calibrated model with
            the same probabilities stays under 95 times in 100.
        chosen: The candidate that the inner split preferred.
        unavailable: Candidates that could not be fitted, and why.
        folds: Accuracy per fold of the chosen candidate on training rows (grouped folds).
        importance: By column, what share of all that the chosen candidate predicts came from it,
            the greatest first.
    """

    rows: int
    observations: float
    groups: int
    metrics: Mapping[str, Mapping[str, Interval]]
    ece_noise: Mapping[str, float]
    chosen: str = ""
    unavailable: Mapping[str, str] = field(default_factory=dict[str, str])
    folds: tuple[float, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a candidate is admitted, and why, in words."""

    admitted: bool
    reason: str


def judge(
    table: Table,
    contenders: Mapping[str, Floats],
    rng: np.random.Generator,
    *,
    kind: Kind = "probability",
    bounds: Mapping[str, Bounds] = {},
    draws: int = 300,
) -> Report:
    """Return the metrics of every contender's predictions (n,) on the same held-out rows.

    Args:
        bounds: Of the contenders that give intervals: the lower and upper ends (n,).
    """
    cluster = intervals.codes(table.group)
    probability = kind == "probability"
    return Report(
        rows=len(table),
        observations=float(table.weight.sum()),
        groups=int(cluster.max()) + 1 if len(table) else 0,
        metrics={
            name: {
                **{
                    metric: _interval(of, table, p, cluster, rng, draws)
                    for metric, of in METRICS[kind].items()
                },
                **_of_bounds(table, bounds.get(name), cluster, rng),
            }
            for name, p in contenders.items()
        },
        ece_noise={name: metrics.ece_noise(p, table.weight, rng) for name, p in contenders.items()}
        if probability
        else {},
    )


def _of_bounds(
    table: Table, bounds: Bounds | None, cluster: intervals.Ints, rng: np.random.Generator
) -> dict[str, Interval]:
    """Return how often intervals held what happened, and how wide they were."""
    if bounds is None:
        return {}
    low, high = bounds
    held = ((low <= table.y) & (table.y <= high)).astype(np.float64)
    return {
        "coverage": intervals.interval(held, table.weight, cluster, rng),
        "width": intervals.interval(high - low, table.weight, cluster, rng),
    }


def _interval(
    of: Metric,
    table: Table,
    p: Floats,
    cluster: intervals.Ints,
    rng: np.random.Generator,
    draws: int,
) -> Interval:
    def statistic(rows: intervals.Ints) -> float:
        return of(table.y[rows], p[rows], table.weight[rows])

    return intervals.of_statistic(statistic, cluster, rng, draws)


def gain(
    scoring: Scoring,
    table: Table,
    candidate: Floats,
    other: Floats,
    level: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return how much less the candidate loses than the other: mean and lower bound."""
    saved = scoring.loss(table.y, other) - scoring.loss(table.y, candidate)
    cluster = intervals.codes(table.group)
    mean = float(np.average(saved, weights=table.weight))
    return mean, intervals.lower_bound(saved, table.weight, cluster, level, rng)


def decide(
    gate: Gate,
    scoring: Scoring,
    table: Table,
    candidate: Floats,
    others: Mapping[str, Floats],
    tried: int,
    rng: np.random.Generator,
) -> Verdict:
    """Admit a candidate that beats each of the others on the held-out rows of ``table``.

    ``tried`` candidates were fitted in this run, so the level is corrected for them
    (Bonferroni). ``others`` maps what stands beside in words to its predictions (n,).
    """
    groups = len(set(table.group))
    if groups < gate.groups:
        return Verdict(False, f"{groups} of {gate.groups} held-out groups")
    level = 1 - (1 - gate.confidence) / max(1, tried)
    own = float(np.average(scoring.loss(table.y, candidate), weights=table.weight))
    parts, admitted = list[str](), True
    for name, p in others.items():
        loss = float(np.average(scoring.loss(table.y, p), weights=table.weight))
        mean, bound = gain(scoring, table, candidate, p, level, rng)
        admitted = admitted and bound > 0
        short = "" if bound > 0 else ", which is not above zero"
        parts.append(f"{loss:.3f} of {name} (gain {mean:.3f}, lower bound {bound:.3f}{short})")
    floors = _missed(gate, scoring.kind, table, candidate)
    shared = f" ({gate.confidence:.0%} shared by {tried} candidates)" if tried > 1 else ""
    words = (
        f"{scoring.name} {own:.3f} against {', and '.join(parts)}; {len(table)} later rows in "
        f"{groups} groups, bounds at {level:.0%}{shared}"
    )
    words += "".join(f"; {missed}" for missed in floors)
    if admitted and floors:
        words += f"; only the floors refuse: {FLOORS_OFF}"
    return Verdict(admitted and not floors, words)


def _missed(gate: Gate, kind: Kind, table: Table, p: Floats) -> list[str]:
    values = {name: METRICS[kind][name](table.y, p, table.weight) for name in gate.floors}
    return [
        f"{name} {values[name]:.3f} is under the floor {floor}"
        for name, floor in gate.floors.items()
        if not values[name] >= floor
    ]
