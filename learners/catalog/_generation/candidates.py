"""The candidates: what the specification names, simple shrunk ones, and what measured best.

All go the same way: scores of rows that a model has not seen, then a calibrator or residuals on
those, then the model of all rows. The penalty of a linear model is chosen there, too.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from learners.catalog._generation.features import COLUMNS, REQUEST, SPECIFIED, SPECIFIED_VALUES
from learners.catalog._generation.fitting import Fitted, Recipe, Rows, train
from learners.catalog._generation.fold import Unit
from learners.catalog._generation.models import served
from learners.catalog._generation.params import GenerationParams
from learners.catalog._generation.types import TASK_TYPES
from learners.errors import TooFewExamples
from learners.learner import Fit, Floats, Row, Table
from learners.numerics import calibration
from learners.numerics.calibration import Calibrator, expit
from learners.numerics.scoring import Scoring, median

FOLDS = 5
MINIMUM_ROWS = 20
MINIMUM_GROUPS = 5
BUCKET = 50  # residuals from which a kind of task has limits of its own
EXPLAINED = 200  # rows whose contributions give the importance
BESIDE_WEIGHT = 1e-9  # of rows as if new: they teach, and judge nothing
BEGINNING, LEAST = 0.3, 0.05  # share of rows that teach less, the first of them so little
NEW_WEIGHT = 0.3  # what such a row teaches, beside the one it stands with
EVERYTHING = ""  # the bucket of all
PENALTIES = (1.0, 10.0, 100.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
EARLIEST = 0.4  # of the rows, which teach only
ADDITIVE = (
    "expected", "expected_if_new", "expected_by_told", "task_new", "words_effect", "words_if_new",
    "twin_effect", "twin_similarity", "task_n", "estimate", "estimate_known", "rule_of_thumb",
    "length",
)  # fmt: skip
# Not the single effects: they overlap, and what a line makes of that does not hold for new tasks.
ASKED = tuple(dict.fromkeys((*REQUEST, *ADDITIVE)))
DIGEST = hashlib.sha256("\n".join(COLUMNS).encode()).hexdigest()[:16]

PROBABILITY = {
    "additive": Recipe(kind="linear", columns=ADDITIVE, believed="expected"),
    "logistic": Recipe(kind="linear", columns=ASKED, believed="expected"),
    "lightgbm": Recipe(kind="trees"),
    "blend": Recipe(kind="mixed", believed="expected", linear=ASKED),
    "specified_xgboost": Recipe(kind="trees", columns=SPECIFIED, trees="xgboost"),
}
VALUE = {
    "additive": Recipe(kind="linear", columns=ADDITIVE),
    "linear": Recipe(kind="linear"),
    "lightgbm": Recipe(kind="trees"),
    "blend": Recipe(kind="mixed"),
    "specified_forest": Recipe(kind="trees", columns=SPECIFIED_VALUES, trees="forest"),
}


def candidates(scoring: Scoring, unit: Unit) -> Mapping[str, Fit[GenerationParams]]:
    """Return the fits by name."""
    recipes = PROBABILITY if scoring.kind == "probability" else VALUE

    def of(recipe: Recipe) -> Fit[GenerationParams]:
        return lambda table, rng: _fit(recipe, scoring, unit, table, rng)

    return {name: of(recipe) for name, recipe in recipes.items()}


def _fit(
    recipe: Recipe, scoring: Scoring, unit: Unit, table: Table, rng: np.random.Generator
) -> GenerationParams:
    names = recipe.columns or COLUMNS
    places = np.array([COLUMNS.index(name) for name in names], dtype=np.int64)
    rows = _rows(table, places, scoring, unit)
    _enough(table, rows)
    if rows.odds:
        found = _probability(recipe, names, rows, _folds(table.group, rng), scoring)
    else:
        found = _value(recipe, names, table, rows, scoring, unit)
    fitted = train(recipe, names, found.penalty, rows)
    arrays = {**fitted.export(rng), "shrink": np.array([found.share, found.centre])}
    model = served(recipe.kind, arrays, odds=rows.odds)
    sample = rows.x[rng.permutation(len(rows.y))[:EXPLAINED]]
    moved = np.abs([model.explain(row) for row in sample]).mean(axis=0)
    share = moved / (float(moved.sum()) or 1.0)
    return GenerationParams(
        recipe.kind,
        tuple(names),
        places,
        DIGEST,
        found.calibrator,
        found.residuals,
        {name: round(float(each), 6) for name, each in zip(names, share, strict=True) if each > 0},
        len(rows.y),
        arrays,
        model,
    )


class _Found(NamedTuple):
    """What is chosen on rows that a model has not seen.

    Attributes:
        share: Of a model's distance from the centre that is believed.
        centre: What is said where nothing of it is: the median.
    """

    penalty: float
    calibrator: Calibrator | None = None
    residuals: Mapping[str, Floats] = {}
    share: float = 1.0
    centre: float = 0.0


def _probability(
    recipe: Recipe, names: Sequence[str], rows: Rows, fold: NDArray[np.int64], scoring: Scoring
) -> _Found:
    """Return the best penalty and the calibrator of scores out of fold, by group."""
    scores = {it: _cross_fitted(recipe, names, it, rows, fold) for it in _penalties(recipe)}

    def loss(penalty: float) -> float:
        return float(np.average(scoring.loss(rows.y, expit(scores[penalty])), weights=rows.weight))

    best = min(scores, key=loss)
    return _Found(best, calibration.fit(expit(scores[best]), rows.y, rows.weight))


def _value(
    recipe: Recipe,
    names: Sequence[str],
    table: Table,
    rows: Rows,
    scoring: Scoring,
    unit: Unit,
) -> _Found:
    """Return the best penalty and share, and residuals, on rows later than what was fitted.

    Values drift and near twins lie side by side: folds at random would promise too much. A share
    of the model is believed only if the median alone is worse by more than chance.
    """
    centre = median(rows.y, rows.weight)
    scores = {it: _forward(recipe, names, it, rows) for it in _penalties(recipe)}
    later = np.flatnonzero(~np.isnan(next(iter(scores.values()))) & (table.weight > BESIDE_WEIGHT))
    y = table.y[later]

    def losses(penalty: float, share: float) -> Floats:
        said = centre + share * (scores[penalty][later] - centre)
        return scoring.loss(y, np.array([unit.back(value) for value in said.tolist()]))

    tried = {(it, share): losses(it, share) for it in scores for share in SHARES}
    best = min(tried, key=lambda at: float(tried[at].mean()))

    def near(at: tuple[float, float]) -> bool:
        worse = tried[at] - tried[best]
        return bool(worse.mean() <= worse.std() / max(1, len(y)) ** 0.5)

    penalty, share = min((at for at in tried if near(at)), key=lambda at: (at[1], -at[0]))
    residual = rows.y[later] - centre - share * (scores[penalty][later] - centre)
    return _Found(penalty, None, _residuals(table.take(later), residual), share, centre)


def _penalties(recipe: Recipe) -> tuple[float, ...]:
    return PENALTIES if recipe.kind == "linear" else PENALTIES[1:2]


def _rows(table: Table, places: NDArray[np.int64], scoring: Scoring, unit: Unit) -> Rows:
    odds = scoring.kind == "probability"
    y = table.y if odds else np.array([unit.of(value) for value in table.y.tolist()])
    weight = np.where(table.weight <= BESIDE_WEIGHT, NEW_WEIGHT, table.weight)
    # The first rows saw an empty memory; questions to come will not.
    weight = weight * np.clip(np.arange(len(weight)) / (BEGINNING * len(weight)), LEAST, 1.0)
    return Rows(np.ascontiguousarray(table.x[:, places]), y, weight, odds)


def _enough(table: Table, rows: Rows) -> None:
    groups = len(set(table.group))
    if len(rows.y) < MINIMUM_ROWS or groups < MINIMUM_GROUPS:
        raise TooFewExamples(
            f"{len(rows.y)} outcomes in {groups} groups; needs {MINIMUM_ROWS} in {MINIMUM_GROUPS}"
        )
    if len(np.unique(rows.y > 0.5 if rows.odds else rows.y)) < 2:
        raise TooFewExamples("only one kind of outcome was told; needs 1 of the other")


def _folds(group: Sequence[str], rng: np.random.Generator) -> NDArray[np.int64]:
    names = sorted(set(group))
    order = rng.permutation(len(names))
    fold = {names[j]: i % FOLDS for i, j in enumerate(order.tolist())}
    return np.array([fold[name] for name in group], dtype=np.int64)


def _cross_fitted(
    recipe: Recipe, names: Sequence[str], penalty: float, rows: Rows, fold: NDArray[np.int64]
) -> Floats:
    score = np.empty(len(rows.y))
    for k in range(FOLDS):
        test, rest = np.flatnonzero(fold == k), rows.at(np.flatnonzero(fold != k))
        if rows.odds and not 0 < int((rest.y > 0.5).sum()) < len(rest.y):
            score[test] = 0.0
            continue
        fitted: Fitted = train(recipe, names, penalty, rest, trial=True)
        score[test] = fitted.score(rows.x[test])
    return score


def _forward(recipe: Recipe, names: Sequence[str], penalty: float, rows: Rows) -> Floats:
    """Return scores of models that were fitted on earlier rows only; NaN for the earliest."""
    n = len(rows.y)
    edge = [round(n * (EARLIEST + (1 - EARLIEST) * k / FOLDS)) for k in range(FOLDS + 1)]
    score = np.full(n, np.nan)
    for start, end in pairwise(edge):
        if end > start:
            fitted = train(recipe, names, penalty, rows.at(np.arange(start)), trial=True)
            score[start:end] = fitted.score(rows.x[start:end])
    return score


def _residuals(table: Table, residual: Floats) -> dict[str, Floats]:
    """Return sorted residuals out of fold: of all, and of kinds of task with enough."""
    found = {EVERYTHING: np.sort(residual)}
    for name in TASK_TYPES:
        own: Row = table.x[:, COLUMNS.index(f"is_{name}")]
        of_kind = residual[own > 0]
        if BUCKET <= len(of_kind) < len(residual):
            found[name] = np.sort(of_kind)
    return found
