"""What an outcome would teach of its log odds."""

from math import isclose, log2

from hypothesis import given
from hypothesis import strategies as st

from learners.numerics.beliefs import Belief, information, moved, of_binary, probability

means = st.floats(-6, 6)
variances = st.floats(0.01, 20)


@given(means, variances, variances)
def test_whoever_is_known_less_teaches_more(mean: float, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert information(Belief(0.0, less)) <= information(Belief(0.0, more))
    assert information(Belief(mean, less)) <= information(Belief(mean, more)) + 1e-9


@given(means, variances)
def test_a_sure_outcome_teaches_less_than_an_open_one(mean: float, variance: float) -> None:
    assert 0 <= information(Belief(mean, variance)) <= information(Belief(0.0, variance))
    assert isclose(information(Belief(mean, variance)), information(Belief(-mean, variance)))


@given(means, st.floats(0.01, 1.0))
def test_it_is_about_what_is_then_learned(mean: float, variance: float) -> None:
    """The gain in precision that the fold makes of either outcome, averaged by its probability."""
    before = Belief(mean, variance)
    p = probability(before)
    gained = 0.0
    for y, chance in ((1.0, p), (0.0, 1 - p)):
        after = moved(before, of_binary(before, y))
        gained += chance * 0.5 * log2(before.variance / after.variance)
    assert abs(information(before) - gained) < 0.02


def test_what_is_known_teaches_nothing() -> None:
    assert information(Belief(0.3, 0.0)) == 0.0
