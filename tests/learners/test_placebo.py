"""Where there is nothing to learn, nothing is promoted: outcomes shuffled among the questions."""

from itertools import combinations

import numpy as np
import pytest

from learners.catalog.mixin_compatibility import MIXINS
from learners.learner import AnyExample, Example
from learners.registry import catalog
from learners.replay import log, replay
from learners.training import train

LEARNER = catalog()["mixin_compatibility"]
SEEDS = range(5)  # `make evaluate` runs a hundred


def placebo(seed: int) -> list[AnyExample]:
    """Four outcomes of each of 60 pairs, six in ten good, dealt out at random."""
    rng = np.random.default_rng(seed)
    pairs = list(combinations([mixin.name for mixin in MIXINS], 2))
    picked = [pairs[i] for i in rng.permutation(len(pairs))[:60]] * 4
    good = rng.permutation([True] * 144 + [False] * 96)
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


@pytest.mark.timeout(400)
def test_shuffled_outcomes_promote_nothing_and_answers_claim_nothing() -> None:
    admitted = 0
    for seed in SEEDS:
        examples = placebo(seed)
        entries = log(examples)
        training = train(LEARNER, entries, None, np.random.default_rng(seed), report=False)
        assert training.result in ("admitted", "rejected"), training.reason
        admitted += training.result == "admitted"
        memory = replay(LEARNER, entries).memory
        sources = {
            LEARNER.answer(None, memory, e.query, 1e9, np.random.default_rng(0)).source
            for e in examples
        }
        assert sources <= {"base_rate", "rules", "abstained"}
    assert admitted <= 1
