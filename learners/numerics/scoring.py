"""Losses by row, each with the constant that minimises it.

Brier, G. W. (1950); Good, I. J. (1952) for the logarithmic score.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST = 1e-6  # a probability of exactly 0 or 1 would make one surprise infinitely bad


@dataclass(frozen=True, slots=True)
class Scoring:
    """A proper loss.

    Attributes:
        name: As printed.
        loss: (n,) loss of predictions (n,) given labels (n,).
        constant: The best single prediction for labels (n,) with weights (n,).
    """

    name: str
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


LOG_LOSS = Scoring("log_loss", log_loss, mean)
BRIER = Scoring("brier", brier, mean)
