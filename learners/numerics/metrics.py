"""How good probabilities are: plain functions of (y, p, weight).

Brier, G. W. (1950); Wilson, E. B. (1927) for the interval of a share; Naeini, M. P., Cooper, G. F.
and Hauskrecht, M. (2015) for the expected calibration error.
"""

import math

import numpy as np
from numpy.typing import NDArray

from learners.numerics import scoring

Floats = NDArray[np.float64]

THRESHOLD = 0.5
BINS = 10


def accuracy(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the share that falls on the right side of one half."""
    return _ratio(float(weight @ ((p >= THRESHOLD) == (y >= THRESHOLD))), float(weight.sum()))


def balanced_accuracy(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the mean of the shares found of both classes; NaN when one is missing."""
    return (recall(y, p, weight) + recall(1 - y, np.where(p >= THRESHOLD, 0.0, 1.0), weight)) / 2


def precision(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the share of true ones among the predicted ones; NaN when none is predicted."""
    said = p >= THRESHOLD
    return _ratio(float(weight[said] @ y[said]), float(weight[said].sum()))


def recall(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the share of the ones that are predicted; NaN when there are none."""
    return _ratio(float((weight * y) @ (p >= THRESHOLD)), float(weight @ y))


def f1(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the harmonic mean of precision and recall; 0 where both are 0."""
    right = float((weight * y) @ (p >= THRESHOLD))
    return _ratio(2 * right, float(weight @ (p >= THRESHOLD)) + float(weight @ y))


def auc(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the chance that a one is placed above a zero, ties counting half.

    >>> auc(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9]), np.ones(3))
    0.75
    """
    values, place = np.unique(p, return_inverse=True)
    ones = np.bincount(place, weight * y, len(values))
    zeros = np.bincount(place, weight * (1 - y), len(values))
    below = np.cumsum(zeros) - zeros / 2
    return _ratio(float(ones @ below), float(ones.sum() * zeros.sum()))


def brier(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the mean squared error of the probabilities."""
    return _ratio(float(weight @ scoring.brier(y, p)), float(weight.sum()))


def log_loss(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the mean of -log of the probability given to what happened."""
    return _ratio(float(weight @ scoring.log_loss(y, p)), float(weight.sum()))


def ece(y: Floats, p: Floats, weight: Floats) -> float:
    """Return the mean distance of stated and observed shares over bins of equal mass."""
    place = _bins(p, weight)
    gap = np.abs(np.bincount(place, weight * (p - y), BINS))
    return _ratio(float(gap.sum()), float(weight.sum()))


def ece_noise(
    p: Floats, weight: Floats, rng: np.random.Generator, quantile: float = 0.95, repeats: int = 500
) -> float:
    """Return the ECE that a perfectly calibrated model with these probabilities stays below.

    A row of weight w stands for w observations: its simulated share is a binomial one.
    """
    place = _bins(p, weight)
    times = np.maximum(np.rint(weight), 1.0).astype(np.int64)
    gaps = np.empty(repeats)
    for i in range(repeats):
        y = rng.binomial(times, p) / times
        gaps[i] = np.abs(np.bincount(place, weight * (p - y), BINS)).sum()
    return _ratio(float(np.quantile(gaps, quantile)), float(weight.sum()))


def absolute_error(y: Floats, said: Floats, weight: Floats) -> float:
    """Return the mean distance of values from what happened, in the label's unit."""
    return _ratio(float(weight @ scoring.absolute_error(y, said)), float(weight.sum()))


def root_square_error(y: Floats, said: Floats, weight: Floats) -> float:
    """Return the root of the mean squared error, in the label's unit."""
    return math.sqrt(_ratio(float(weight @ (y - said) ** 2), float(weight.sum())))


def bias(y: Floats, said: Floats, weight: Floats) -> float:
    """Return by how much values lie above what happened on average."""
    return _ratio(float(weight @ (said - y)), float(weight.sum()))


def rank_correlation(y: Floats, said: Floats, weight: Floats) -> float:
    """Return the correlation of ranks (Spearman, C. 1904); NaN where one side does not vary."""
    a, b = _ranks(y), _ranks(said)
    total = float(weight.sum())
    a, b = a - float(weight @ a) / total, b - float(weight @ b) / total
    spread = float(weight @ a**2) * float(weight @ b**2)
    return float(weight @ (a * b)) / math.sqrt(spread) if spread > 0 else math.nan


def _ranks(values: Floats) -> Floats:
    """Return mean ranks: equal values share one."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2)[place]
    return ranks


def wilson(successes: float, n: float, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share, 95 % unless told otherwise.

    >>> low, high = wilson(17, 17)
    >>> round(low, 3), high
    (0.816, 1.0)
    """
    if n <= 0:
        return (0.0, 1.0)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # Rounding must not exclude the share itself at the ends.
    return (max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def _bins(p: Floats, weight: Floats) -> NDArray[np.int64]:
    # Equal probabilities share a bin, whatever the order of the rows.
    values, place = np.unique(p, return_inverse=True)
    mass = np.cumsum(np.bincount(place, weight, len(values)))
    middle = (mass - np.diff(mass, prepend=0.0) / 2) / max(float(mass[-1]), 1e-300)
    return np.minimum((middle * BINS).astype(np.int64), BINS - 1)[place]


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan
