"""Linear regression by the least absolute error: what half of the values lie above and below.

Reweighted least squares (Schlossmacher, E. J. 1973) with a ridge, so that few rows move it little.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 40
SMALLEST = 1e-3  # of the spread of y: a residual counts as at least so large
ENOUGH = 1e-6


def fit(x: Floats, y: Floats, weight: Floats, penalty: Floats) -> Floats:
    """Return (d,) coefficients of (n, d) columns, each pulled to 0 by its penalty (d,).

    An intercept is a column of ones with a small penalty.
    """
    least = SMALLEST * (float(np.std(y)) or 1.0)
    at: Floats = np.zeros(x.shape[1])
    for _ in range(STEPS):
        pull = weight / np.maximum(np.abs(y - x @ at), least)
        curve = x.T @ (x * pull[:, None]) + np.diag(penalty)
        after: Floats = np.linalg.solve(curve, x.T @ (pull * y)).astype(np.float64)
        moved = float(np.abs(after - at).max())
        at = after
        if moved < ENOUGH:
            break
    return at


def limits(ordered: Floats, level: float) -> tuple[float, float]:
    """Return the ends between which ``level`` of further residuals lie, given sorted ones.

    Split conformal, a tail each (Vovk, V. et al. 2005); infinite where there are too few to say.
    """
    n, tail = len(ordered), (1 - level) / 2
    rank = int(np.ceil((n + 1) * (1 - tail)))
    if rank > n:
        return (-np.inf, np.inf)
    return (float(ordered[n - rank]), float(ordered[rank - 1]))
