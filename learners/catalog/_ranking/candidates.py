"""The candidates: what the spec names beside what is simple; the gate chooses.

Each is calibrated on scores out of fold: a question's rows are scored by a model that has not seen
the question.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from learners.catalog._ranking import lambdarank
from learners.catalog._ranking.columns import BELIEVED, COLUMNS
from learners.catalog._ranking.params import Arrays, Kind, RankingParams, scorer
from learners.errors import TooFewExamples
from learners.learner import Fit, Floats, Row, Table
from learners.numerics import calibration, intervals, logistic
from learners.numerics.calibration import expit
from learners.numerics.scoring import log_loss

FOLDS = 5
MINIMUM_ROWS = 20
MINIMUM_GROUPS = 5
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
PLACES = [COLUMNS.index(name) for name in BELIEVED]
LOOSE = 0.1  # penalty of the intercept: the base rate is nobody's prior

Trainer = Callable[[Table], Callable[[Row], Floats]]  # to what scores


def candidates() -> Mapping[str, Fit[RankingParams]]:
    """Return the fits by name."""
    return {"shrunk_additive": _additive, "lambdarank": _lambdarank}


def _additive(table: Table, rng: np.random.Generator) -> RankingParams:
    """What the rules believe, moved as far as the outcomes say; best penalty out of fold."""
    fold = _folds(table, rng)

    def trainer(penalty: float) -> Trainer:
        return lambda rows: scorer("linear", _linear(rows, penalty)).score

    scores = {each: _held_out(trainer(each), table, fold) for each in PENALTIES}
    losses = {
        each: float(np.average(log_loss(table.y, expit(z)), weights=table.weight))
        for each, z in scores.items()
    }
    best = min(PENALTIES, key=lambda each: losses[each])
    return _params("linear", _linear(table, best), table, scores[best])


def _lambdarank(table: Table, rng: np.random.Generator) -> RankingParams:
    """The specification's trees over all columns; they see nothing but the order within lists."""
    held_out = _held_out(lambda rows: lambdarank.fit(rows).score, table, _folds(table, rng))
    return _params("trees", lambdarank.fit(table).arrays(table.x, rng), table, held_out)


def _params(kind: Kind, arrays: Arrays, table: Table, held_out: Floats) -> RankingParams:
    calibrator = calibration.fit(expit(held_out), table.y, table.weight)
    return RankingParams(kind, calibrator, len(table), arrays, scorer(kind, arrays))


def _held_out(train: Trainer, table: Table, fold: NDArray[np.int64]) -> Floats:
    """Return (n,) scores by models that have not seen the row's question."""
    found = np.zeros(len(table))
    for k in range(FOLDS):
        rest, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        if len(rest) and len(test):
            found[test] = train(table.take(rest))(table.x[test])
    return found


def _linear(rows: Table, penalty: float) -> Arrays:
    x = np.append(rows.x[:, PLACES].astype(np.float64), np.ones((len(rows), 1)), axis=1)
    strength = np.append(np.full(len(PLACES), penalty), LOOSE)
    prior = np.array([*BELIEVED.values(), 0.0])
    found = logistic.fit(x, rows.y, rows.weight, strength, prior)
    coefficients = np.zeros(len(COLUMNS) + 1)
    coefficients[[*PLACES, -1]] = found
    centre = np.average(rows.x.astype(np.float64), axis=0, weights=rows.weight)
    return {"coefficients": coefficients, "centre": centre}


def _folds(table: Table, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each row; rows of one group stay together.

    Raises:
        TooFewExamples: There are too few to learn from.
    """
    group: Sequence[str] = table.group
    groups = len(set(group))
    if len(table) < MINIMUM_ROWS or groups < MINIMUM_GROUPS:
        raise TooFewExamples(
            f"{len(table)} told templates of {groups} tasks; needs {MINIMUM_ROWS} of "
            f"{MINIMUM_GROUPS}"
        )
    if len(np.unique(table.y > 0.5)) < 2:
        raise TooFewExamples("only one kind of outcome was told; needs 1 of the other")
    fold: NDArray[np.int64] = rng.permutation(groups)[intervals.codes(group)] % FOLDS
    return fold
