"""Ridge logistic regression by Newton's method: small, exact, and served as a dot product."""

import numpy as np
from numpy.typing import NDArray

from learners.numerics.calibration import expit

Floats = NDArray[np.float64]

STEPS = 30
ENOUGH = 1e-7


def fit(
    x: Floats, y: Floats, weight: Floats, penalty: Floats, prior: Floats | None = None
) -> Floats:
    """Return (d,) coefficients that minimise log loss + sum(penalty * (w - prior)^2) / 2.

    Args:
        x: (n, d) columns; an intercept is a column of ones with a small penalty.
        y: (n,) labels or shares.
        weight: (n,) observations behind each row.
        penalty: (d,) positive numbers.
        prior: (d,) where the coefficients are pulled to; 0 unless given.
    """
    centre = np.zeros(x.shape[1]) if prior is None else prior
    at = centre.copy()
    before = _objective(x, y, weight, penalty, centre, at)
    for _ in range(STEPS):
        p = expit(x @ at)
        gradient = x.T @ (weight * (p - y)) + penalty * (at - centre)
        curve = x.T @ (x * (weight * np.maximum(p * (1 - p), 1e-6))[:, None])
        step = np.linalg.solve(curve + np.diag(penalty), gradient)
        size = 1.0
        while size > 1e-4:  # halved until it helps: Newton may overshoot far from the optimum
            after = _objective(x, y, weight, penalty, centre, at - size * step)
            if after <= before:
                break
            size /= 2
        else:
            break
        at = at - size * step
        if before - after < ENOUGH * (1 + abs(after)):
            break
        before = after
    return at


def _objective(
    x: Floats, y: Floats, weight: Floats, penalty: Floats, centre: Floats, at: Floats
) -> float:
    z = x @ at
    losses = np.logaddexp(0.0, z) - y * z
    return float(weight @ losses + penalty @ (at - centre) ** 2 / 2)
