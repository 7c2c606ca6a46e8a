"""How well the generation family predicts values on real data, beside what the READMEs report.

Read by ``make evaluate``; what the candidates and ``chosen`` are, see ``generation``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from math import log, log1p
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from learners import evaluation, training
from learners.catalog import generation_complexity, generation_time
from learners.catalog._generation.candidates import EVERYTHING
from learners.catalog._generation.params import LEVEL, GenerationParams
from learners.learner import AnyLearner, Floats, Table
from learners.numerics import metrics, robust
from learners.numerics.scoring import median
from learners.replay import log as log_of
from tests.evaluation.compatibility import Measure
from tests.evaluation.compatibility_sets import FOLDS, fold_of
from tests.evaluation.generation import CHOSEN, DRAWS, SERVED, beside, interval_of, judging
from tests.evaluation.generation import later_part as later_part_of
from tests.evaluation.generation_sets import (
    DIFFICULTY,
    PROJECTS,
    Generation,
    aidev_prs,
    story_points,
    swebench_verified_tasks,
)

HIGHEST = 100.0  # story points
SURE = 0.95  # of the lower bound of a coverage
MEDIAN, GATE = "median", "served after the gate"
CLASSES = tuple(sorted(set(DIFFICULTY.values())))
EDGES = tuple(log1p((one + other) / 2) for one, other in pairwise(CLASSES))
SMOOTHED = 0.02  # weight of the classes' shares, so that none is impossible


class Judged(NamedTuple):
    """A project's later issues: how wrong each contender was, and what intervals were worth.

    Attributes:
        errors: By contender, (n,) absolute errors in points.
        inside: (n,) whether the chosen candidate's interval held the points.
        width: Median width of its intervals, and ``usual`` that of the median's.
        admitted: Whether the gate let a candidate through.
    """

    name: str
    errors: Mapping[str, Floats]
    inside: NDArray[np.bool_]
    width: float
    usual: float
    chosen: str
    admitted: bool


class Classed(NamedTuple):
    """Held-out tasks: their classes (n,), and the probabilities (n, 3) of each contender."""

    y: NDArray[np.int64]
    p: dict[str, Floats]
    chosen: str


def points(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield figures on the story points of eight projects, fitted on the earlier issues of each."""
    found = beside(partial(_project, folder), PROJECTS, rng)
    for contender in found[0].errors:
        errors = [it.errors[contender] for it in found]
        value, goal = _mean(errors), 2.33 if contender == CHOSEN else None
        name = f"story_points {contender} mean absolute error"
        yield Measure(name, value, _over(errors, rng), goal, 2.39, _note(contender, found))
    ratios = {it.name: float(it.errors[CHOSEN].mean() / it.errors[MEDIAN].mean()) for it in found}
    note = ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items())
    name = "story_points chosen beside the median, worst project"
    yield Measure(name, max(ratios.values()), None, 1.01, None, note)
    yield from _intervals(found)


def _note(contender: str, found: Sequence[Judged]) -> str:
    if contender == CHOSEN:
        times = Counter(it.chosen for it in found).most_common()
        return f"mean of 8 projects; {', '.join(f'{name} {n}' for name, n in times)}"
    if contender == GATE:
        passed = [it.name for it in found if it.admitted]
        return f"admitted: {', '.join(passed) or 'none'}; elsewhere rates of what was observed"
    return ""


def _mean(errors: Sequence[Floats]) -> float:
    return float(np.mean([each.mean() for each in errors]))


def _over(errors: Sequence[Floats], rng: np.random.Generator) -> tuple[float, float]:
    """Return 95 % of the mean over projects, with the issues of each drawn anew."""
    drawn = [
        _mean([each[rng.integers(0, len(each), len(each))] for each in errors])
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return (float(low), float(high))


def _intervals(found: Sequence[Judged]) -> Iterator[Measure]:
    from scipy import stats

    library: Any = stats
    inside = np.concatenate([it.inside for it in found])
    held, n = int(inside.sum()), len(inside)
    low = float(library.beta.ppf(1 - SURE, held, n - held + 1))  # Clopper and Pearson (1934)
    each = ", ".join(f"{it.name} {it.inside.mean():.2f}" for it in found)
    note = f"of {LEVEL:.0%}; the value is the exact {SURE:.0%} lower bound of {held}/{n}: {each}"
    name = "story_points chosen interval coverage, at least"
    yield Measure(name, low, None, 0.88, None, note)
    ratios = {it.name: it.width / it.usual for it in found}
    note = "by project: " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    name = "story_points chosen interval width beside the median's"
    yield Measure(name, float(np.median(list(ratios.values()))), None, 1.0, None, note)


def _project(folder: Path, name: str, seed: int) -> Judged:
    data, rng = story_points(folder, name), np.random.default_rng(seed)
    learner: AnyLearner = generation_complexity.learner(HIGHEST)
    train, later, served = evaluation.tables(learner, data.earlier, data.later)
    test, said = judging(later), served[later.weight == 1.0]
    fitted, _ = training.fit_all(learner, train, rng)
    chosen = training.choose(learner, train, tuple(fitted), rng)
    y, known = np.array(data.points), judging(train)
    middle = median(known.y, known.weight)
    observed = np.where(np.isnan(said), middle, said)
    run = training.train(learner, log_of(data.earlier), None, rng, requested=True, report=False)
    admitted = run.result == "admitted"
    of = {name: learner.score(params, test) for name, params in fitted.items()}
    contenders = {
        CHOSEN: of[chosen],
        **of,
        MEDIAN: np.full(len(y), middle),
        SERVED: observed,
        GATE: learner.score(run.params, test) if admitted else observed,
    }
    assert learner.interval is not None
    low, high = learner.interval(fitted[chosen], test)
    below, above = robust.limits(np.sort(known.y - middle), LEVEL)
    return Judged(
        name,
        {name: np.abs(y - value) for name, value in contenders.items()},
        (low <= y) & (y <= high),
        float(np.median(high - low)),
        above - below,
        chosen,
        admitted,
    )


def hours(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield how far the time that pull requests stay open is missed, in powers of two."""
    told = [took for _, took in aidev_prs(folder)]
    held = later_part_of(generation_time.LEARNER, told, rng)
    one = np.ones(len(held.y))
    for contender, said in held.p.items():
        value = metrics.absolute_error(held.y, said, one) / log(2)
        goal, interval, note = None, None, ""
        if contender == CHOSEN:
            low, high = interval_of(held, metrics.absolute_error, said, rng)
            goal, interval = 3.20, (low / log(2), high / log(2))
            note = (
                f"opened last 20 %; chosen: {held.chosen[0]}; "
                "medians of all 3.39, agent 3.20, repository x agent 3.30"
            )
        name = f"aidev_prs hours {contender} error of log2"
        yield Measure(name, value, interval, goal, 3.39, note)


def difficulty(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield the log loss of three classes, from what the estimate and its residuals say of each."""
    told = swebench_verified_tasks(folder)
    found = beside(partial(_difficulty, told), range(FOLDS), rng)
    for contender in found[0].p:
        losses = [_loss(it.y, it.p[contender]) for it in found]
        value, chosen = float(np.concatenate(losses).mean()), contender == CHOSEN
        times = Counter(it.chosen for it in found).most_common()
        note = f"5 folds; {', '.join(f'{name} {n}' for name, n in times)}" if chosen else ""
        yield Measure(
            f"swebench_verified_tasks difficulty {contender} log_loss",
            value,
            _over([np.concatenate(losses)], rng),
            0.900 if chosen else None,
            0.927,
            note,
        )


def _difficulty(told: Sequence[Generation], k: int, seed: int) -> Classed:
    learner: AnyLearner = generation_complexity.LEARNER
    fold, rng = [fold_of(it.query.task_key) for it in told], np.random.default_rng(seed)
    train, later, _ = evaluation.tables(
        learner,
        [it for it, at in zip(told, fold, strict=True) if at != k],
        [it for it, at in zip(told, fold, strict=True) if at == k],
    )
    known, test = judging(train), judging(later)
    fitted, _ = training.fit_all(learner, train, rng)
    chosen = training.choose(learner, train, tuple(fitted), rng)
    share = np.array([(known.y == each).mean() for each in CLASSES])
    p = {name: _classes(params, test, share) for name, params in fitted.items()}
    said = {CHOSEN: p[chosen], **p, "shares of the classes": np.tile(share, (len(test), 1))}
    return Classed(np.searchsorted(CLASSES, test.y), said, chosen)


def _classes(params: GenerationParams, table: Table, share: Floats) -> Floats:
    """Return (n, 3) what lies between the classes' edges of an estimate with its residuals."""
    said, residuals = params.predict(table.x), params.residuals[EVERYTHING]
    below = [np.searchsorted(residuals, edge - said) / len(residuals) for edge in EDGES]
    p = np.diff(np.stack([np.zeros(len(said)), *below, np.ones(len(said))]), axis=0).T
    smoothed: Floats = (p + SMOOTHED * share) / (1 + SMOOTHED)
    return smoothed


def _loss(y: NDArray[np.int64], p: Floats) -> Floats:
    loss: Floats = -np.log(p[np.arange(len(y)), y])
    return loss
