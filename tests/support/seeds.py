"""The random moments of the fault tests: each is drawn from a seed that the test's name shows."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

FIRST = int(os.environ.get("FAULT_FIRST_SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("FAULT_SEEDS", "3")))


def seeds(faults: Sequence[Callable[..., Any]]) -> list[Any]:
    """Return every fault with every seed of the full mode, as parameters of a heavy test."""
    return [
        pytest.param(fault, seed, id=f"{fault.__name__}-seed-{seed}", marks=pytest.mark.heavy)
        for seed in SEEDS
        for fault in faults
    ]
