"""How well the generation family predicts success on real data, beside what the READMEs report.

Read by ``make evaluate``. Nothing here is tuned to a data set: rows hold what was known before,
every candidate is fitted as the product fits it, and ``chosen`` is the one that the product's own
inner split of the training rows prefers. Of values see ``generation_values``.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import joblib
import numpy as np
from numpy.typing import NDArray

from learners import evaluation, training
from learners.catalog.generation_success import LEARNER
from learners.learner import AnyLearner, Example, Floats, Table
from learners.numerics import metrics
from learners.numerics.scoring import log_loss
from learners.replay import Rows, asked, log, replay
from tests.evaluation.compatibility import Measure
from tests.evaluation.compatibility_sets import FOLDS, fold_of
from tests.evaluation.generation_sets import (
    BENCHES,
    Generation,
    Run,
    aidev_prs,
    one_after_another,
    openhands_index,
)

Metric: TypeAlias = Callable[[Floats, Floats, Floats], float]
T = TypeVar("T")

REAL = 0.5  # weight of a row that judges; those "as if new" weigh next to nothing
CHOSEN, SERVED = "chosen", "without a version"
DRAWS = 300
SEEN = 30  # outcomes of a new agent
NEWEST = 5000  # outcomes whose rows are fitted for each new agent, to be done in an afternoon
REPLAYED = 4000  # runs of the index that are replayed
FIRST = 30  # outcomes before the cumulative loss is looked at
ROOM = 0.01  # of log loss above the running base rate
EVERY = 250  # outcomes at most between the runs of a replay: its own 50 would take all day
TRAIN = 0.8  # of the pull requests
SHARES = 11  # steps from no luck shared to all
MANY, CLOSE = 10_000, 0.03  # rows from which the calibration error is to be below this as well


class Held(NamedTuple):
    """Held-out rows: what happened, and what each contender said of it.

    Attributes:
        y: (n,)
        group: (n,) what shares its luck.
        p: By contender, (n,).
        chosen: Candidates that were chosen, each as often as it was.
    """

    y: Floats
    group: tuple[str, ...]
    p: dict[str, Floats]
    chosen: tuple[str, ...]


class Goals(NamedTuple):
    """Of the chosen candidate, each with the baseline beside it."""

    log_loss: tuple[float | None, float | None] = (None, None)
    auc: tuple[float | None, float | None] = (None, None)
    brier: tuple[float | None, float | None] = (None, None)


NEW_TASKS = {
    "swe-bench": Goals((0.583, 0.578), (None, 0.622), (None, 0.194)),
    "swt-bench": Goals((0.604, 0.599), (None, 0.685), (None, 0.205)),
}
NEW_AGENTS = {
    "swe-bench": Goals((0.255, 0.255), (None, 0.949), (0.077, 0.077)),
    "swt-bench": Goals((0.457, 0.457), (None, 0.839), (0.148, 0.148)),
}
LATER = Goals((0.542, 0.542), (None, 0.703), (None, 0.181))


def openhands(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield figures on agents and benches: new tasks, new agents, and a replay of everything."""
    for bench, goals in NEW_TASKS.items():
        runs = shuffled(openhands_index(folder, bench), rng)
        held = pooled(beside(partial(_new_tasks, runs), range(FOLDS), rng))
        name = f"openhands_index {bench} new tasks"
        yield from figures(name, held, goals, rng, "5 folds of tasks, runs in seeded order")
    for bench, goals in NEW_AGENTS.items():
        runs = shuffled(openhands_index(folder, bench), rng)
        agents = sorted({run.agent for run in runs})
        held = pooled(beside(partial(_new_agent, runs), agents, rng))
        note = (
            f"{len(agents)} agents in turn; the others' runs in seeded order, then {SEEN} of its "
            f"own; fitted on the newest {NEWEST} outcomes, remembered all"
        )
        yield from figures(f"openhands_index {bench} new agents", held, goals, rng, note)
    runs = shuffled(openhands_index(folder, next(iter(BENCHES))), rng)[:REPLAYED]
    note = f"{REPLAYED} runs of swe-bench in seeded order, all agents and tasks"
    yield from running("openhands_index", one_after_another(runs), rng, note)


def aidev(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield figures on pull requests in time order: later ones, and a replay of everything."""
    told = [success for success, _ in aidev_prs(folder)]
    held = later_part(LEARNER, told, rng)
    note = "opened last 20 %; history is what was closed before each was opened"
    yield from figures("aidev_prs merged", held, LATER, rng, note)
    yield from running("aidev_prs", told, rng, f"{len(told)} pull requests as they were opened")


def shuffled(runs: Sequence[Run], rng: np.random.Generator) -> list[Run]:
    """Return runs in a random order: the data has no times."""
    return [runs[i] for i in rng.permutation(len(runs)).tolist()]


def _new_tasks(runs: Sequence[Run], k: int, seed: int) -> Held:
    fold = [fold_of(run.instance) for run in runs]
    earlier = [run for run, at in zip(runs, fold, strict=True) if at != k]
    later = [run for run, at in zip(runs, fold, strict=True) if at == k]
    return held_out(
        LEARNER,
        one_after_another(earlier),
        one_after_another(later, len(earlier)),
        np.random.default_rng(seed),
        [run.instance for run in later],
    )


def _new_agent(runs: Sequence[Run], agent: str, seed: int) -> Held:
    own = sorted((run for run in runs if run.agent == agent), key=lambda run: _seen(run.instance))
    others = [run for run in runs if run.agent != agent]
    earlier, later = [*others, *own[:SEEN]], own[SEEN:]
    return held_out(
        LEARNER,
        one_after_another(earlier),
        one_after_another(later, len(earlier)),
        np.random.default_rng(seed),
        [agent] * len(later),
        NEWEST,
    )


def _seen(instance: str) -> str:
    return md5(f"seen:{instance}".encode(), usedforsecurity=False).hexdigest()


def later_part(learner: AnyLearner, told: Sequence[Generation], rng: np.random.Generator) -> Held:
    """Fit on what was asked first and judge on the rest, each row from what was known by then."""
    cut = told[int(len(told) * TRAIN)].asked
    entries = log(told)
    before, after = Rows(learner), Rows(learner)
    said = dict[int, float | None]()
    nobody = np.random.default_rng(0)

    def visit(memory: Any, question: Any) -> None:
        it: Example[Any, Any] = question.example
        if it.asked < cut:
            before.add(memory, question)
            return
        after.add(memory, question)
        advice = learner.answer(None, memory, it.query, it.asked, nobody)
        said[question.settled] = learner.predicted(advice).get(None)

    replay(learner, entries, asked(learner, entries), visit)
    served = np.array([said[i] for i in sorted(said)], dtype=np.float64)
    test = judging(after.table())
    return contest(learner, before.table(), test, served, test.group, rng)


def held_out(
    learner: AnyLearner,
    earlier: Sequence[Generation],
    later: Sequence[Generation],
    rng: np.random.Generator,
    group: Sequence[str],
    newest: int | None = None,
) -> Held:
    """Fit on the newest of the earlier examples and judge on the later ones, all asked at once."""
    train, test, served = evaluation.tables(learner, earlier, later)
    real = test.weight > REAL
    if newest is not None:
        last = train.example >= len(earlier) - newest
        train = train.take(np.flatnonzero(last))
    return contest(learner, train, judging(test), served[real], tuple(group), rng)


def judging(table: Table) -> Table:
    """Return the rows that judge."""
    return table.take(np.flatnonzero(table.weight > REAL))


def contest(
    learner: AnyLearner,
    train: Table,
    test: Table,
    served: Floats,
    group: tuple[str, ...],
    rng: np.random.Generator,
) -> Held:
    """Fit all candidates, choose one, and let all of them speak."""
    fitted, unavailable = training.fit_all(learner, train, rng)
    if unavailable:
        raise ValueError(f"expected every candidate to be fitted, got {unavailable}")
    chosen = training.choose(learner, train, tuple(fitted), rng)
    said = {name: learner.score(params, test) for name, params in fitted.items()}
    constant = learner.scoring.constant(train.y, train.weight)
    p = {CHOSEN: said[chosen], **said, SERVED: np.where(np.isnan(served), constant, served)}
    return Held(test.y, group, p, (chosen,))


def beside(
    work: Callable[[Any, int], T], units: Iterable[Any], rng: np.random.Generator
) -> list[T]:
    """Return the work on each unit, done side by side, each with a seed of its own."""
    seeded = [(unit, int(rng.integers(2**31))) for unit in units]
    parallel: Any = joblib.Parallel(n_jobs=len(os.sched_getaffinity(0)))
    return list(parallel(joblib.delayed(work)(unit, seed) for unit, seed in seeded))


def pooled(parts: Sequence[Held]) -> Held:
    """Return all held-out rows together."""
    return Held(
        np.concatenate([part.y for part in parts]),
        tuple(name for part in parts for name in part.group),
        {name: np.concatenate([part.p[name] for part in parts]) for name in parts[0].p},
        tuple(name for part in parts for name in part.chosen),
    )


def figures(
    name: str, held: Held, goals: Goals, rng: np.random.Generator, note: str
) -> Iterator[Measure]:
    """Yield what the chosen candidate is worth, then the log loss of every contender."""
    one, p = np.ones(len(held.y)), held.p[CHOSEN]
    times = ", ".join(f"{each} {n}" for each, n in Counter(held.chosen).most_common())
    of: dict[str, Metric] = {
        "log_loss": metrics.log_loss,
        "auc": metrics.auc,
        "brier": metrics.brier,
    }
    for label, metric in of.items():
        goal, baseline = getattr(goals, label)
        value, interval = metric(held.y, p, one), interval_of(held, metric, p, rng)
        shown = f"{note}; chosen: {times}" if metric is metrics.log_loss else ""
        yield Measure(f"{name} chosen {label}", value, interval, goal, baseline, shown)
    yield calibration(name, held, rng)
    for contender in held.p:
        if contender != CHOSEN:
            values = {label: metric(held.y, held.p[contender], one) for label, metric in of.items()}
            beside = f"AUC {values['auc']:.3f}, Brier {values['brier']:.3f}"
            yield Measure(
                f"{name} {contender} log_loss", values["log_loss"], None, None, None, beside
            )


def calibration(name: str, held: Held, rng: np.random.Generator) -> Measure:
    """Return the calibration error beside what a perfectly calibrated model would show by luck."""
    one, p = np.ones(len(held.y)), held.p[CHOSEN]
    alone, cluster = metrics.ece_noise(p, one, rng), codes(held.group)
    share = shared(held.y, p, cluster, rng)
    noise = shared_noise(p, cluster, share, rng)
    goal = min(noise, CLOSE) if len(p) >= MANY else noise
    note = (
        f"{len(p)} rows; goal: noise with the {share:.0%} of luck that groups share; "
        f"of independent rows {alone:.3f}"
    )
    return Measure(f"{name} chosen ece", metrics.ece(held.y, p, one), None, goal, None, note)


def shared(y: Floats, p: Floats, cluster: NDArray[np.int64], rng: np.random.Generator) -> float:
    """Return how much of their luck the rows of a group share, 0 to 1.

    It is the share at which pairs of a group miss in the same direction as often as they do.
    """

    def together(happened: Floats) -> float:
        return float((np.bincount(cluster, happened - p) ** 2).sum())

    levels = np.linspace(0, 1, SHARES)
    sums = [
        np.mean([together(drawn(p, cluster, float(it), rng)) for _ in range(DRAWS // SHARES)])
        for it in levels
    ]
    return float(np.interp(together(y), np.maximum.accumulate(sums), levels))


def shared_noise(
    p: Floats, cluster: NDArray[np.int64], share: float, rng: np.random.Generator
) -> float:
    """Return the 95th percentile of a perfect model's ECE when groups share some of their luck."""
    one = np.ones(len(p))
    found = [metrics.ece(drawn(p, cluster, share, rng), p, one) for _ in range(DRAWS)]
    return float(np.quantile(found, 0.95))


def drawn(p: Floats, cluster: NDArray[np.int64], share: float, rng: np.random.Generator) -> Floats:
    """Return outcomes (n,) of these probabilities: normal luck, in part a group's own."""
    from scipy import special

    library: Any = special
    own, of_group = rng.standard_normal(len(p)), rng.standard_normal(int(cluster.max()) + 1)
    luck = np.sqrt(share) * of_group[cluster] + np.sqrt(1 - share) * own
    happened: Floats = (luck < library.ndtri(p)).astype(np.float64)
    return happened


def interval_of(
    held: Held, metric: Metric, p: Floats, rng: np.random.Generator
) -> tuple[float, float]:
    """Return 95 % of a metric over groups drawn anew."""
    cluster = codes(held.group)
    n = int(cluster.max()) + 1
    found = np.empty(DRAWS)
    for i in range(DRAWS):
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        found[i] = metric(held.y, p, times[cluster].astype(np.float64))
    low, high = np.nanquantile(found, [0.025, 0.975]).tolist()
    return (float(low), float(high))


def codes(group: Sequence[str]) -> NDArray[np.int64]:
    """Return (n,) the number of each row's group."""
    return np.unique(np.array(group), return_inverse=True)[1].astype(np.int64)


def running(
    name: str, told: Sequence[Generation], rng: np.random.Generator, note: str
) -> Iterator[Measure]:
    """Yield how far the cumulative log loss of a replay ever was above the running base rate's."""
    policy = replace(LEARNER.retrain, outcomes=EVERY, nightly=None)
    ledger = evaluation.backtest(LEARNER, told, rng, retrain=policy)
    real = ledger.weight > REAL
    y, said, base = ledger.y[real], ledger.said()[real], ledger.base[real]
    count = np.arange(1, len(y) + 1)
    own = np.cumsum(log_loss(y, said)) / count
    beside = np.cumsum(log_loss(y, base)) / count
    excess = (own - beside)[FIRST - 1 :]
    at = int(excess.argmax())
    promoted = [it.outcomes for it in ledger.attempts if it.result == "promoted"]
    shown = (
        f"at outcome {at + FIRST}; {note}; a run every {EVERY} outcomes, {len(ledger.attempts)} "
        f"in all, promoted at {', '.join(map(str, promoted)) or 'none'}"
    )
    worst = float(excess[at])
    yield Measure(f"{name} replay, worst excess over base rate", worst, None, ROOM, None, shown)
    yield Measure(
        f"{name} replay, cumulative log_loss", float(own[-1]), None, None, float(beside[-1]),
        "of all answers from the first on; baseline: running base rate",
    )  # fmt: skip
