"""Where there is nothing to learn, nothing is promoted: outcomes shuffled among the questions."""

import pytest

from tests.evaluation.placebo import CLAIM_NOTHING, attempts

SEEDS = 5  # `make evaluate` runs a hundred


@pytest.mark.timeout(400)
def test_shuffled_outcomes_promote_nothing_and_answers_claim_nothing() -> None:
    ended = list(attempts(SEEDS, jobs=2))
    assert {result for result, _ in ended} == {"rejected"}
    assert set().union(*(sources for _, sources in ended)) <= CLAIM_NOTHING
