"""From scores to probabilities: sigmoid and temperature scaling, fitted on held-out scores.

Platt, J. (1999), with his smoothed targets; Guo, C. et al. (2017) for the temperature. Served as
two numbers: p = 1 / (1 + exp(-(slope * logit(score) + intercept))).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["sigmoid", "temperature", "base_rate"]

FEW = 60  # rows below which even two parameters are noise
SMALLEST = 1e-6
STEEPEST = 5.0
PULL = 2.0  # of slope towards 1 and intercept towards 0, in rows: small data does not swing it


def logit(p: Floats) -> Floats:
    """Return the log odds, finite at 0 and 1."""
    p = np.clip(p, SMALLEST, 1 - SMALLEST)
    return np.log(p) - np.log1p(-p)


def expit(z: Floats) -> Floats:
    """Return the probability of log odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(z, -40.0, 40.0)))


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A monotone map from score to probability; ``slope`` is never negative."""

    slope: float
    intercept: float
    method: Method

    def __call__(self, score: Floats) -> Floats:
        """Return (n,) probabilities of (n,) scores."""
        return expit(self.slope * logit(score) + self.intercept)


def fit(score: Floats, y: Floats, weight: Floats, method: Method = "sigmoid") -> Calibrator:
    """Return the calibrator of held-out scores; the base rate when there are too few rows."""
    n = float(weight.sum()) ** 2 / max(float(weight @ weight), 1e-300)  # effective rows
    if method == "base_rate" or n < FEW:
        return base_rate(y, weight)
    z = logit(score)
    targets = _smoothed(y, weight)
    columns = np.stack([z, np.ones_like(z)], axis=1)
    if method == "temperature":
        columns = columns[:, :1]
    found = _newton(columns, targets, weight)
    slope = float(np.clip(found[0], 0.0, STEEPEST))
    if method == "temperature":
        return Calibrator(slope, 0.0, method)
    if slope != found[0]:  # at the edge: the intercept alone, given that slope
        return Calibrator(slope, _shift(slope * z, targets, weight), method)
    return Calibrator(slope, float(found[1]), method)


def base_rate(y: Floats, weight: Floats) -> Calibrator:
    """Return the constant that says the Beta-smoothed rate."""
    rate = (float(weight @ y) + 0.5) / (float(weight.sum()) + 1.0)
    return Calibrator(0.0, float(np.log(rate / (1 - rate))), "base_rate")


def _smoothed(y: Floats, weight: Floats) -> Floats:
    # Platt's targets: the rule of succession keeps separable scores from infinite slopes.
    ones, zeros = float(weight @ y), float(weight @ (1 - y))
    return y * (ones + 1) / (ones + 2) + (1 - y) / (zeros + 2)


def _newton(columns: Floats, y: Floats, weight: Floats) -> Floats:
    start = np.zeros(columns.shape[1])
    start[0] = 1.0
    at = start.copy()
    for _ in range(50):
        p = expit(columns @ at)
        gradient = columns.T @ (weight * (p - y)) + PULL * (at - start)
        curve = columns.T @ (columns * (weight * np.maximum(p * (1 - p), 1e-9))[:, None])
        step = np.linalg.solve(curve + PULL * np.eye(len(at)), gradient)
        at = at - np.clip(step, -1.0, 1.0)
        if float(np.abs(step).max()) < 1e-9:
            break
    return at


def _shift(z: Floats, y: Floats, weight: Floats) -> float:
    at = 0.0
    for _ in range(50):
        p = expit(z + at)
        step = float(weight @ (p - y)) / float(weight @ np.maximum(p * (1 - p), 1e-9))
        at -= float(np.clip(step, -1.0, 1.0))
    return at
