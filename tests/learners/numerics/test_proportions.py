"""How far two shares are apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.numerics.proportions import Share, difference, shared_z

shares = st.integers(0, 60).flatmap(
    lambda n: st.integers(0, n).map(lambda successes: Share(successes, n))
)


def test_the_published_example() -> None:
    apart = difference(Share(56, 70), Share(48, 80), 1.96)
    assert apart == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@given(shares, shares)
def test_the_other_way_round_is_the_mirror_image(one: Share, other: Share) -> None:
    there, back = difference(one, other, 1.96), difference(other, one, 1.96)
    assert there.low <= there.value <= there.high
    assert (back.value, back.low, back.high) == pytest.approx(
        (-there.value, -there.high, -there.low)
    )
    assert -1.0001 <= there.low <= there.high <= 1.0001


def test_many_comparisons_are_right_together_as_often_as_one() -> None:
    rng, tried, wrong = np.random.default_rng(0), 400, 0
    z = shared_z(20)
    for _ in range(tried):
        drawn = rng.binomial(40, 0.5, (20, 2))
        apart = [difference(Share(a, 40), Share(b, 40), z) for a, b in drawn.tolist()]
        wrong += any(each.low > 0 or each.high < 0 for each in apart)
    assert wrong / tried < 0.07
