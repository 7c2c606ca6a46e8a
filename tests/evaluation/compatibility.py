"""How well the compatibility family does on real pairs, beside what the data's README reports.

Read by ``make evaluate``. Nothing here is tuned to a data set: every candidate is fitted as the
product fits it, on rows whose history is what was known before.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from learners.numerics import metrics
from tests.evaluation.compatibility_sets import (
    FOLDS,
    Pairs,
    appearing,
    build_compat,
    fold_of,
    licence_compat,
    mixin_seed_pairs,
    table,
)

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Split: TypeAlias = tuple[Ints, Ints]
Metric: TypeAlias = Callable[[Floats, Floats, Floats], float]
Goals: TypeAlias = dict[str, tuple[float | None, float | None]]  # goal and baseline
Units: TypeAlias = Sequence[tuple[str, ...]]

REPEATS = 20
SLOW_REPEATS = 3  # of the spec's models, whose boosting takes most of the time
DRAWS = 300
SHARES = (0.25, 0.5, 0.75, 1.0)
FAST = ("pair_rates", "logistic", "forest_lightgbm", "forest_xgboost", "blend")
SPEC = "spec_forest_boosting"


class Measure(NamedTuple):
    """A figure beside what it is to be compared with; goal and baseline are None where none is."""

    name: str
    value: float
    interval: tuple[float, float] | None
    goal: float | None
    baseline: float | None
    note: str


class Said(NamedTuple):
    """What was said of held-out pairs, and which of them share their luck."""

    y: Floats
    p: Floats
    group: tuple[str, ...]


def measures(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield every figure; ``folder`` holds the data sets."""
    yield from seed(folder, rng)
    yield from licence(folder, rng)
    yield from build(folder, rng)


def seed(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield accuracies on the hand-labelled triples, 20 x stratified 5-fold."""
    pairs = mixin_seed_pairs(folder)
    y = np.array([float(it.outcome.success > 0) for it in pairs.examples])
    first = int(rng.integers(2**31))
    for name in (*FAST, SPEC):
        repeats = SLOW_REPEATS if name == SPEC else REPEATS
        said = [_seed_run(pairs, y, name, k, first) for k in range(repeats)]
        note = f"{repeats} x stratified 5-fold; interval of 81 rows (Wilson)"
        yield _share(f"mixin_seed_pairs accuracy {name}", y, said, 0.901, note)
    plain = [_plain_forest(pairs, y, k) for k in range(REPEATS)]
    note = "RandomForest of 000-09 on the 83 columns alone; target of 000-04: .95"
    yield _share("mixin_seed_pairs accuracy plain forest of the spec", y, plain, 0.95, note)


def licence(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield figures on ordered licence pairs: new pairs, and new licences."""
    pairs = licence_compat(folder)
    names = [(row["leading"], row["subordinate"]) for row in pairs.rows]
    fold = {name: fold_of(f"L{name}") for of_one in names for name in of_one}
    one_new = [
        (
            np.array([i for i, (a, b) in enumerate(names) if k not in (fold[a], fold[b])]),
            np.array([i for i, (a, b) in enumerate(names) if k == min(fold[a], fold[b])]),
        )
        for k in range(FOLDS)
    ]
    known = np.array([fold_of("|".join(of_one)) for of_one in names])
    alone = [("|".join(of_one),) for of_one in names]
    goals: Goals = {"auc": (0.973, 0.973), "balanced": (0.914, 0.914), "log_loss": (None, 0.183)}
    for name in FAST:
        said = _held_out(pairs, name, one_new, names, rng)
        yield from _all(f"licence_compat new licences {name}", said, goals, rng)
    goals = {"auc": (None, 0.994), "balanced": (None, 0.98), "log_loss": (None, 0.071)}
    for name in FAST:
        said = _held_out(pairs, name, _splits(known), alone, rng)
        yield from _all(f"licence_compat new pairs {name}", said, goals, rng)


def build(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield figures on pairs of package versions, by version of the first."""
    pairs = build_compat(folder)
    first = [row["component_a"] for row in pairs.rows]
    fold = np.array([fold_of(name) for name in first])
    goals: Goals = {"auc": (None, 0.788), "log_loss": (0.537, 0.502)}
    for name in FAST:
        said = _held_out(pairs, name, _splits(fold), [(it,) for it in first], rng)
        yield from _all(f"build_compat new versions {name}", said, goals, rng)


def _seed_run(pairs: Pairs, y: Floats, name: str, repeat: int, seed: int) -> Floats:
    p = np.empty(len(y))
    units = [(str(i),) for i in range(len(y))]
    for train, test in _stratified(y, repeat):
        rng = np.random.default_rng((seed, repeat))
        p[test] = _predict(pairs, name, train, test, units, rng)
    return p


def _plain_forest(pairs: Pairs, y: Floats, repeat: int) -> Floats:
    from sklearn import ensemble

    library: Any = ensemble
    x = table(pairs.learner, pairs.examples, pairs.learner.memory())[0].x[:, :83]
    p = np.empty(len(y))
    for train, test in _stratified(y, repeat):
        forest = library.RandomForestClassifier(
            200, max_depth=20, min_samples_split=3, class_weight="balanced", random_state=repeat
        )
        p[test] = forest.fit(x[train], y[train]).predict_proba(x[test])[:, 1]
    return p


def _stratified(y: Floats, repeat: int) -> Iterable[Split]:
    from sklearn import model_selection

    library: Any = model_selection
    split = library.StratifiedKFold(FOLDS, shuffle=True, random_state=repeat).split(y, y)
    return [(np.asarray(train), np.asarray(test)) for train, test in split]


def _splits(fold: Ints) -> list[Split]:
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]


def _held_out(
    pairs: Pairs, name: str, splits: Sequence[Split], units: Units, rng: np.random.Generator
) -> Said:
    seed = int(rng.integers(2**31))
    y, p, group = [], [], []
    for train, test in splits:
        p.append(_predict(pairs, name, train, test, units, np.random.default_rng(seed)))
        y.append([float(pairs.examples[i].outcome.success > 0) for i in test.tolist()])
        group += [units[i][0] for i in test.tolist()]
    return Said(np.concatenate(y), np.concatenate(p), tuple(group))


def _predict(
    pairs: Pairs, name: str, train: Ints, test: Ints, units: Units, rng: np.random.Generator
) -> Floats:
    learner = pairs.learner
    seen = appearing(
        [pairs.examples[i] for i in train.tolist()], [units[i] for i in train.tolist()], rng
    )
    rows, memory = table(learner, seen)
    params = learner.candidates[name](rows, rng)
    asked, _ = table(learner, [pairs.examples[i] for i in test.tolist()], memory)
    return learner.score(params, asked)


def _share(name: str, y: Floats, said: Sequence[Floats], goal: float, note: str) -> Measure:
    one = np.ones(len(y))
    value = float(np.mean([metrics.accuracy(y, p, one) for p in said]))
    balanced = float(np.mean([metrics.balanced_accuracy(y, p, one) for p in said]))
    auc = float(np.mean([metrics.auc(y, p, one) for p in said]))
    interval = metrics.wilson(value * len(y), len(y))
    return Measure(
        name, value, interval, goal, 0.741, f"balanced {balanced:.3f}, AUC {auc:.3f}; {note}"
    )


def _all(
    name: str,
    said: Said,
    goals: Goals,
    rng: np.random.Generator,
) -> Iterator[Measure]:
    of: dict[str, Metric] = {
        "auc": metrics.auc,
        "balanced": metrics.balanced_accuracy,
        "log_loss": metrics.log_loss,
    }
    one = np.ones(len(said.y))
    for label, metric in of.items():
        goal, baseline = goals.get(label, (None, None))
        value = metric(said.y, said.p, one)
        yield Measure(f"{name} {label}", value, _interval(said, metric, rng), goal, baseline, "")
    noise = metrics.ece_noise(said.p, one, rng)
    note = (
        f"goal: noise of independent rows; where a group shares its luck {_shared(said, rng):.3f}"
    )
    yield Measure(f"{name} ece", metrics.ece(said.y, said.p, one), None, noise, None, note)
    note = ", ".join(f"{share:.0%}: {wrong:.3f}" for share, wrong in _abstaining(said))
    wrong = float(np.mean((said.p >= 0.5) != (said.y >= 0.5)))
    yield Measure(
        f"{name} error", wrong, None, None, None, f"when only the surest are answered: {note}"
    )


def _interval(said: Said, metric: Metric, rng: np.random.Generator) -> tuple[float, float]:
    """Return 95 % of the metric over groups drawn anew."""
    names = sorted(set(said.group))
    number = {name: i for i, name in enumerate(names)}
    cluster = np.array([number[name] for name in said.group])
    drawn = np.empty(DRAWS)
    for i in range(DRAWS):
        times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        drawn[i] = metric(said.y, said.p, times[cluster].astype(np.float64))
    low, high = np.nanquantile(drawn, [0.025, 0.975]).tolist()
    return (float(low), float(high))


def _shared(said: Said, rng: np.random.Generator) -> float:
    """Return the 95th percentile of a perfect model's ECE when one draw decides a whole group."""
    _, cluster = np.unique(np.array(said.group), return_inverse=True)
    one = np.ones(len(said.y))
    drawn = [
        metrics.ece(
            (rng.random(cluster.max() + 1)[cluster] < said.p).astype(np.float64), said.p, one
        )
        for _ in range(DRAWS)
    ]
    return float(np.quantile(drawn, 0.95))


def _abstaining(said: Said) -> list[tuple[float, float]]:
    surest = np.argsort(-np.abs(said.p - 0.5), kind="stable")
    wrong = ((said.p >= 0.5) != (said.y >= 0.5))[surest]
    return [(share, float(wrong[: max(1, round(share * len(wrong)))].mean())) for share in SHARES]
