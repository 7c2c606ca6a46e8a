"""Fits a candidate again exactly as its run did, and compares it with what was kept of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from learners.learner import AnyLearner, Table
from learners.replay import Entry
from learners.training import divide, seeded


class Comparison(NamedTuple):
    """How two params of a learner differ over rows.

    Attributes:
        difference: The largest between two predictions; 0 where there are no rows.
        same_bytes: Whether they are the same to the last bit.
    """

    rows: int
    difference: float
    same_bytes: bool


def refit(
    learner: AnyLearner,
    entries: Sequence[Entry],
    candidate: str,
    names: Sequence[str],
    rng: np.random.Generator,
) -> tuple[Any, tuple[Table, Table]]:
    """Return the params of a candidate, and the rows that taught and that judged it.

    Args:
        entries: The log as the run read it.
        names: The candidates of the run, in its order: each drew one seed.
        rng: As the run began with it.

    Raises:
        NotYet: There are too few rows.
    """
    split = divide(learner, entries)
    seeds = dict(seeded(names, rng))
    params = learner.candidates[candidate](split.train, np.random.default_rng(seeds[candidate]))
    return params, (split.train, split.test)


def compare(learner: AnyLearner, one: Any, other: Any, tables: Sequence[Table]) -> Comparison:
    """Compare the predictions of two params on all rows of the tables."""
    gaps = [
        float(np.max(np.abs(learner.score(one, table) - learner.score(other, table))))
        for table in tables
        if len(table)
    ]
    same = learner.dump(one) == learner.dump(other)
    return Comparison(sum(map(len, tables)), max(gaps, default=0.0), same)
