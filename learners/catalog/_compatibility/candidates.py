"""The candidates: what the spec names, the simple shrunk one, and what measured best.

All go the same way: structural scores out of fold by group, a calibrator on those, strengths of
the pair's own counts by likelihood, the dependence of sets, then the structural model of all rows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from learners.catalog._compatibility.columns import HISTORY, INTERACTIONS
from learners.catalog._compatibility.models import LINEAR, Kind, Layout, Mix, blended, structural
from learners.catalog._compatibility.params import (
    STRENGTHS,
    CompatibilityParams,
    Places,
    joint,
    moved_by_own,
    pair_logs,
)
from learners.catalog._compatibility.structural import PENALTIES, Chosen, Rows, train
from learners.errors import NotYet, TooFewExamples
from learners.learner import Fit, Floats, Row, Table
from learners.numerics import calibration, counts
from learners.numerics.scoring import log_loss

FOLDS = 5
OUT_OF_FOLD_TREES = 60
MINIMUM_ROWS = 20
MINIMUM_GROUPS = 5
MINIMUM_SETS = 30
CONTEXT_WEIGHT = 1e-9  # of rows that are in the table only because their set needs them
LIKE = 8.0  # many tests of one pair in one context say no more of other pairs than so many
MOST_FOR_DEEP_BOOSTING = 3000
GRID = (1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0)
TOGETHER = (0.0, 0.25, 0.5, 0.75, 1.0)
SURPLUS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def candidates(
    columns: tuple[str, ...], *, ordered: bool
) -> Mapping[str, Fit[CompatibilityParams]]:
    """Return the fits by name, for rows of these columns."""
    places = Places.of(columns)
    layouts = Layouts(columns, ordered=ordered)

    def fit(kind: Kind, table: Table, rng: np.random.Generator) -> CompatibilityParams:
        return _fit(kind, layouts, places, table, rng)

    return {
        "pair_rates": lambda table, rng: fit("rates", table, rng),
        "logistic": lambda table, rng: fit("logistic", table, rng),
        "forest_lightgbm": lambda table, rng: fit("forest", table, rng),
        "forest_xgboost": lambda table, rng: fit("forest_xgboost", table, rng),
        "blend": lambda table, rng: fit("blend", table, rng),
        "spec_forest_boosting": lambda table, rng: fit("spec", table, rng),
    }


class Layouts:
    """What each kind of structural model reads."""

    def __init__(self, columns: tuple[str, ...], *, ordered: bool) -> None:
        """Lay out the columns once."""
        self.columns = columns
        self.digest = digest(columns)
        place = {name: i for i, name in enumerate(columns)}
        # The pair's own past is not structure: it moves the probability afterwards.
        past = {"historical_success_rate", "historical_total_tests", "historical_avg_compatibility"}
        before_own = columns[: place["elsewhere_success"]]
        make = self._plain if ordered else self._symmetric
        self.full = make([name for name in before_own if name not in past])
        self.rates = make(HISTORY)
        self.spec = self._plain(columns[: place[INTERACTIONS[-1]] + 1])

    def of(self, kind: Kind) -> Layout:
        """Return the layout of a kind."""
        return {"rates": self.rates, "spec": self.spec}.get(kind, self.full)

    def _plain(self, names: Sequence[str]) -> Layout:
        none = np.array([], dtype=np.int64)
        return Layout(tuple(names), none, none, self._places(names))

    def _symmetric(self, names: Sequence[str]) -> Layout:
        sides = [n[2:] for n in names if n.startswith("a_") and f"b_{n[2:]}" in names]
        paired = {f"{side}_{name}" for side in "ab" for name in sides}
        rest = [name for name in names if name not in paired]
        left, right = ([f"{side}_{name}" for name in sides] for side in "ab")
        return Layout((*left, *rest), self._places(left), self._places(right), self._places(rest))

    def _places(self, names: Sequence[str]) -> NDArray[np.int64]:
        return np.array([self.columns.index(name) for name in names], dtype=np.int64)


def digest(columns: tuple[str, ...]) -> str:
    """Return what identifies a list of columns."""
    return hashlib.sha256("\n".join(columns).encode()).hexdigest()[:16]


class _Pairs(NamedTuple):
    """The rows about pairs: where in the table, the design, which count, and their fold."""

    place: NDArray[np.int64]
    rows: Rows
    counting: NDArray[np.int64]
    fold: NDArray[np.int64]


def _fit(
    kind: Kind, layouts: Layouts, places: Places, table: Table, rng: np.random.Generator
) -> CompatibilityParams:
    layout = layouts.of(kind)
    pairs = _pairs(layout, places, table, rng)
    if kind == "spec" and len(pairs.counting) > MOST_FOR_DEEP_BOOSTING:
        raise NotYet(
            f"unavailable: boosting of depth 10 on {len(pairs.counting)} rows takes minutes, "
            f"the limit is {MOST_FOR_DEEP_BOOSTING}"
        )
    chosen, held_out = _held_out(kind, layout, pairs, rng)
    counting = pairs.rows.at(pairs.counting)
    calibrator = calibration.fit(held_out[pairs.counting], counting.y, counting.weight)
    prior = calibrator(held_out)
    x = table.x[pairs.place]
    strengths = _strengths(places, x[pairs.counting], counting, prior[pairs.counting])
    together, surplus, learned = _dependence(places, table, pairs, x, prior, strengths)
    arrays = train(kind, layout, chosen, counting, rng).export(rng)
    return CompatibilityParams(
        kind,
        layout,
        len(layouts.columns),
        layouts.digest,
        calibrator,
        strengths,
        together,
        surplus,
        learned,
        len(pairs.counting),
        arrays,
        structural(kind, arrays),
    )


def _pairs(layout: Layout, places: Places, table: Table, rng: np.random.Generator) -> _Pairs:
    place = np.flatnonzero(table.x[:, places.sets] <= 0)
    counting = np.flatnonzero(table.weight[place] > CONTEXT_WEIGHT)
    y = table.y[place]
    group = [table.group[i] for i in place.tolist()]
    known = {group[i] for i in counting.tolist()}
    if len(counting) < MINIMUM_ROWS or len(known) < MINIMUM_GROUPS:
        raise TooFewExamples(
            f"{len(counting)} told pairs in {len(known)} groups; needs {MINIMUM_ROWS} in "
            f"{MINIMUM_GROUPS}"
        )
    if len(np.unique(y[counting] > 0.5)) < 2:
        raise TooFewExamples("only one kind of outcome was told; needs 1 of the other")
    weight = np.zeros(len(place))
    weight[counting] = _saying(table, place[counting])
    rows = Rows(layout.design(table.x[place]), y, weight)
    return _Pairs(place, rows, counting, _folds(group, rng))


def _saying(table: Table, rows: NDArray[np.int64]) -> Floats:
    """Return how much rows say about other pairs: tests of one pair share what is its own."""
    cells: dict[tuple[object, bytes], float] = {}
    where = _contexts(table)
    keys = [(table.option[i], table.x[i, where].tobytes()) for i in rows.tolist()]
    weight = table.weight[rows]
    for key, w in zip(keys, weight.tolist(), strict=True):
        cells[key] = cells.get(key, 0.0) + w
    total = np.array([cells[key] for key in keys])
    return weight / (1 + total / LIKE)


def _contexts(table: Table) -> list[int]:
    return [i for i, name in enumerate(table.columns) if name.startswith("node_")]


def _folds(group: Sequence[str], rng: np.random.Generator) -> NDArray[np.int64]:
    names = sorted(set(group))
    order = rng.permutation(len(names))
    fold = {names[j]: i % FOLDS for i, j in enumerate(order.tolist())}
    return np.array([fold[name] for name in group], dtype=np.int64)


def _held_out(
    kind: Kind, layout: Layout, pairs: _Pairs, rng: np.random.Generator
) -> tuple[Chosen, Floats]:
    """Return what is best out of fold, and scores of all pairs by models that saw no such group."""
    rows = pairs.rows.at(pairs.counting)

    def loss(score: Floats) -> float:
        told = score[pairs.counting]
        return float(np.average(log_loss(rows.y, told), weights=rows.weight))

    if kind in LINEAR:
        by_penalty = {
            it: _cross_fitted(kind, layout, Chosen(penalty=it), pairs, rng) for it in PENALTIES
        }
        best = min(PENALTIES, key=lambda it: loss(by_penalty[it]))
        return Chosen(penalty=best), by_penalty[best]
    if kind != "blend":
        return Chosen(), _cross_fitted(kind, layout, Chosen(), pairs, rng)
    chosen, linear = _held_out("logistic", layout, pairs, rng)
    trees = _cross_fitted("forest", layout, chosen, pairs, rng)
    chosen = chosen._replace(mix=_mix(rows, linear[pairs.counting], trees[pairs.counting]))
    return chosen, blended(linear, trees, chosen.mix)


def _mix(rows: Rows, linear: Floats, trees: Floats) -> Mix:
    """Mix evenly what each says once it is calibrated: a model too sure of itself counts less."""
    one = calibration.fit(linear, rows.y, rows.weight)
    other = calibration.fit(trees, rows.y, rows.weight)
    if "base_rate" in (one.method, other.method):
        return Mix()
    return Mix(one.slope / 2, other.slope / 2, (one.intercept + other.intercept) / 2)


def _cross_fitted(
    kind: Kind, layout: Layout, chosen: Chosen, pairs: _Pairs, rng: np.random.Generator
) -> Floats:
    counts_for = np.zeros(len(pairs.place), dtype=np.bool_)
    counts_for[pairs.counting] = True
    score = np.empty(len(pairs.place))
    for k in range(FOLDS):
        test = np.flatnonzero(pairs.fold == k)
        rows = pairs.rows.at(np.flatnonzero((pairs.fold != k) & counts_for))
        if not 0 < int((rows.y > 0.5).sum()) < len(rows.y):
            score[test] = 0.5
            continue
        few = chosen._replace(trees=OUT_OF_FOLD_TREES)
        score[test] = train(kind, layout, few, rows, rng).score(pairs.rows.x[test])
    return score


def _strengths(places: Places, x: Row, rows: Rows, prior: Floats) -> dict[str, float]:
    """Return what the prior is worth beside each of the pair's own counts, by likelihood.

    Taken in order: elsewhere, here, in the project; pulled a little to the usual value, which
    stands where fewer than ten rows have such counts.
    """
    found = dict(STRENGTHS)
    own = x[:, places.own : places.own + 6].astype(np.float64)
    for i, whose in enumerate(("elsewhere", "pair", "project")):
        s, f = own[:, 2 * i], own[:, 2 * i + 1]
        seen = np.flatnonzero(s + f > 0)
        if len(seen) >= 10:
            usual = STRENGTHS[whose]

            own_rows, before = rows.at(seen), prior[seen]
            costs = [_cost(own_rows, before, s[seen], f[seen], m, usual) for m in GRID]
            found[whose] = GRID[int(np.argmin(costs))]
        prior = counts.posterior(prior, s, f, found[whose])
    return found


def _cost(rows: Rows, prior: Floats, s: Floats, f: Floats, m: float, usual: float) -> float:
    after = counts.posterior(prior, s, f, m)
    return float(rows.weight @ log_loss(rows.y, after)) + 0.5 * float(np.log(m / usual)) ** 2


def _dependence(
    places: Places,
    table: Table,
    pairs: _Pairs,
    x: Row,
    prior: Floats,
    strengths: Mapping[str, float],
) -> tuple[float, float, bool]:
    """Return how sets depend on their pairs: the product unless the told sets say otherwise.

    Another value must be better by two units of log likelihood, the price of its two parameters.
    """
    whole = table.x[:, places.sets] > 0
    groups = {table.group[i] for i in np.flatnonzero(whole).tolist()}
    if len(groups) < MINIMUM_SETS:
        return 1.0, 0.0, False
    p = np.empty(len(table))
    p[pairs.place] = moved_by_own(strengths, places, x, prior)
    log_sum, log_least = pair_logs(places, table, whole, p)
    size = table.x[whole, places.sets + 1].astype(np.float64)
    y, weight = table.y[whole], table.weight[whole]

    def cost(together: float, surplus: float) -> float:
        log_p = joint(log_sum, log_least, size, together, surplus)
        return float(weight @ log_loss(y, np.exp(log_p)))

    tried = {(t, s): cost(t, s) for t in TOGETHER for s in SURPLUS}
    best = min(tried, key=lambda at: tried[at])
    if tried[best] + 2.0 < tried[(1.0, 0.0)]:
        return best[0], best[1], True
    return 1.0, 0.0, False
