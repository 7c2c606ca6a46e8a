"""Rates from few observations: a Beta prior that gives way at once when it is surprised.

The prior is a mixture: with ``TRUST`` a Beta of mean p and strength m, otherwise one of the same
mean and strength ``WEAK``. Ordinary evidence is weighed against m; evidence that the strong prior
calls next to impossible moves the weight to the weak one (West, M. 1984, on outliers).
"""

from math import lgamma

import numpy as np
from numpy.typing import NDArray

from learners.numerics.calibration import SMALLEST

Floats = NDArray[np.float64]

TRUST = 0.9
WEAK = 2.0


def shrunk(successes: float, failures: float, prior: float, strength: float) -> float:
    """Return the mean of the Beta posterior.

    >>> shrunk(0, 120, 0.5, 4)
    0.016129032258064516
    """
    return (strength * prior + successes) / (strength + successes + failures)


def posterior(prior: Floats, successes: Floats, failures: Floats, strength: float) -> Floats:
    """Return (n,) posterior means under the mixture; exactly the prior where nothing was seen."""
    result = np.array(prior, dtype=np.float64)
    seen = np.flatnonzero(successes + failures > 0)
    if not len(seen):
        return result
    p = np.clip(result[seen], SMALLEST, 1 - SMALLEST)
    s, f = successes[seen], failures[seen]
    strong = np.log(TRUST) + _evidence(p, s, f, strength)
    weak = np.log(1 - TRUST) + _evidence(p, s, f, WEAK)
    share = 1.0 / (1.0 + np.exp(np.clip(weak - strong, -700.0, 700.0)))
    mean = (strength * p + s) / (strength + s + f)
    loose = (WEAK * p + s) / (WEAK + s + f)
    result[seen] = share * mean + (1 - share) * loose
    return result


def _evidence(p: Floats, s: Floats, f: Floats, strength: float) -> Floats:
    # log of the Beta-binomial probability, without the terms both components share
    a, b = strength * p, strength * (1 - p)
    n = _lgamma(np.full_like(p, strength)) - _lgamma(strength + s + f)
    return n + _lgamma(a + s) - _lgamma(a) + _lgamma(b + f) - _lgamma(b)


def _lgamma(values: Floats) -> Floats:
    return np.array([lgamma(value) for value in values.tolist()], dtype=np.float64)
