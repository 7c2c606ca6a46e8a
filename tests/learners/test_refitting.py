"""A candidate that is fitted again as its run did is the same, to the last bit."""

from dataclasses import replace

import coins
import numpy as np
import pytest

from learners.learner import AnyLearner, Gate
from learners.refitting import compare, refit
from learners.registry import catalog
from learners.replay import Entry, log
from learners.training import divide, fit_all, train

SEED = 11
LEARNERS = [coins.LEARNER, *catalog().values()]

pytestmark = pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)


def entries(learner: AnyLearner) -> list[Entry]:
    rng = np.random.default_rng(3)
    return log([learner.specimen(rng) for _ in range(70)])


def test_every_candidate_of_a_run_is_made_again_to_the_last_bit(learner: AnyLearner) -> None:
    told, names = entries(learner), tuple(learner.candidates)
    fitted, _ = fit_all(learner, divide(learner, told).train, np.random.default_rng(SEED))
    assert set(fitted) == set(names)
    for name, params in fitted.items():
        made, tables = refit(learner, told, name, names, np.random.default_rng(SEED))
        rows, difference, same_bytes = compare(learner, params, made, tables)
        assert (difference, same_bytes) == (0.0, True), name
        assert rows > 40


def test_what_a_run_chose_is_made_again_and_other_rows_are_noticed(
    learner: AnyLearner,
) -> None:
    name = next(iter(learner.candidates))
    alone = replace(learner, candidates={name: learner.candidates[name]})
    small = replace(
        alone,
        gate=Gate(groups=5),
        retrain=replace(alone.retrain, minimum_distinct=3),
    )
    told = entries(learner)
    run = train(small, told, None, np.random.default_rng(SEED), requested=True, report=False)
    made, tables = refit(small, told, run.candidate, (name,), np.random.default_rng(SEED))
    assert compare(small, run.params, made, tables).same_bytes
    other = [*told[:20], *told[30:]]
    changed, tables = refit(small, other, run.candidate, (name,), np.random.default_rng(SEED))
    noticed = compare(small, run.params, changed, tables)
    assert not noticed.same_bytes
    if learner.scoring.kind == "probability":  # of values the median alone may be believed
        assert noticed.difference > 1e-6
