"""The placebo: outcomes dealt out at random must promote nothing and claim nothing."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import joblib
import numpy as np

from learners.catalog.mixin_compatibility import LEARNER, MIXINS
from learners.learner import AnyExample, Example
from learners.replay import log, replay
from learners.training import train

PAIRS, TESTS, GOOD = 60, 4, 0.6
CLAIM_NOTHING = {"base_rate", "rules", "abstained"}


def examples(seed: int) -> list[AnyExample]:
    """Four outcomes of each of 60 pairs, six in ten good, dealt out at random."""
    rng = np.random.default_rng(seed)
    pairs = list(combinations([mixin.name for mixin in MIXINS], 2))
    picked = [pairs[i] for i in rng.permutation(len(pairs))[:PAIRS]] * TESTS
    good = rng.permutation(np.arange(len(picked)) < GOOD * len(picked))
    order = rng.permutation(len(picked))
    return [
        Example(
            query=LEARNER.query.model_validate({"mixins": picked[i], "node_type": "EFFECT"}),
            outcome=LEARNER.verdict("success" if good[i] else "failure"),
            asked=float(at),
            known=at + 0.5,
        )
        for at, i in enumerate(order)
    ]


def attempt(seed: int) -> tuple[str, set[str]]:
    """Return how the run ended, and the sources of the answers about all pairs."""
    told = examples(seed)
    entries = log(told)
    training = train(LEARNER, entries, None, np.random.default_rng(seed), report=False)
    params = training.params if training.result == "admitted" else None
    memory = replay(LEARNER, entries).memory
    nobody = np.random.default_rng(0)
    answers = [LEARNER.answer(params, memory, each.query, 1e9, nobody) for each in told]
    return training.result, {answer.source for answer in answers}


def attempts(seeds: int, jobs: int) -> Iterator[tuple[str, set[str]]]:
    """Yield the outcome of each seed, as they end."""
    parallel: Any = joblib.Parallel(n_jobs=jobs, return_as="generator")
    yield from parallel(joblib.delayed(attempt)(seed) for seed in range(seeds))
