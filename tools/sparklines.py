"""A row of figures as a picture of one line, which every terminal can show."""

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """Return one sign for each value, from the least to the greatest (Tufte, E. 2006).

    >>> sparkline([1.0, None, 2.0, 3.0])
    '▁·▅█'
    """
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(
        UNKNOWN if value is None else BARS[_height(value, low, high)] for value in values
    )


def _height(value: float, low: float, high: float) -> int:
    top = len(BARS) - 1
    return round(top * (value - low) / (high - low)) if high > low else top // 2
