"""Losses by row, each with the constant that minimises it.

Brier, G. W. (1950); Good, I. J. (1952) for the logarithmic score; Gneiting, T. (2011) for the
median, which the absolute error asks for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["probability", "value"]

SMALLEST = 1e-6  # a probability of exactly 0 or 1 would make one surprise infinitely bad


@dataclass(frozen=True, slots=True)
class Scoring:
    """A proper loss.

    Attributes:
        name: As printed.
        kind: What is predicted: the probability of a one, or a value in the label's unit.
        loss: (n,) loss of predictions (n,) given labels (n,).
        constant: The best single prediction for labels (n,) with weights (n,).
    """

    name: str
    kind: Kind
    loss: Callable[[Floats, Floats], Floats]
    constant: Callable[[Floats, Floats], float]


def log_loss(y: Floats, p: Floats) -> Floats:
    """Return -log of the probability given to what happened; y may be a share."""
    p = np.clip(p, SMALLEST, 1 - SMALLEST)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def brier(y: Floats, p: Floats) -> Floats:
    """Return the squared error of a probability."""
    return (y - p) ** 2


def mean(y: Floats, weight: Floats) -> float:
    """Return the weighted mean, smoothed by half an observation each way."""
    return float((np.sum(y * weight) + 0.5) / (np.sum(weight) + 1))


def absolute_error(y: Floats, said: Floats) -> Floats:
    """Return the distance of a value from what happened, in the label's unit."""
    return np.abs(y - said)


def median(y: Floats, weight: Floats) -> float:
    """Return the weighted median, the lower one of two.

    >>> median(np.array([3.0, 1.0, 2.0]), np.ones(3))
    2.0
    """
    order = np.argsort(y, kind="stable")
    reached = np.cumsum(weight[order])
    return float(y[order][np.searchsorted(reached, reached[-1] / 2)])


LOG_LOSS = Scoring("log_loss", "probability", log_loss, mean)
BRIER = Scoring("brier", "probability", brier, mean)
ABSOLUTE_ERROR = Scoring("absolute_error", "value", absolute_error, median)
