"""A row of figures as one line."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from tools import sparklines
from tools.sparklines import BARS, UNKNOWN, sparkline

values = st.lists(st.none() | st.floats(-1e9, 1e9), max_size=60)


def test_the_example_holds() -> None:
    assert doctest.testmod(sparklines).attempted > 0
    assert doctest.testmod(sparklines).failed == 0


@given(values)
def test_each_value_has_its_sign_in_the_order_of_the_values(given: list[float | None]) -> None:
    shown = sparkline(given)
    assert len(shown) == len(given)
    pairs = [(v, BARS.index(sign)) for v, sign in zip(given, shown, strict=True) if v is not None]
    assert all(sign == UNKNOWN for v, sign in zip(given, shown, strict=True) if v is None)
    heights = [height for _, height in sorted(pairs)]
    assert heights == sorted(heights)
    if len({v for v, _ in pairs}) > 1:
        assert {heights[0], heights[-1]} == {0, len(BARS) - 1}
