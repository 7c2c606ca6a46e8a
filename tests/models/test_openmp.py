"""LightGBM finds its OpenMP runtime, on a system that has none as well."""

import ctypes

import pytest

from models import openmp


def test_a_wheel_carries_a_runtime_that_answers_to_the_expected_name() -> None:
    library = openmp.carried()
    if library is None:
        pytest.skip("no wheel here carries libgomp: not a Linux wheel of scikit-learn")
    loaded = openmp.load(openmp.renamed(library))
    assert loaded.omp_get_max_threads() >= 1


def test_after_ensuring_the_training_library_loads() -> None:
    openmp.ensure()
    assert ctypes.CDLL(openmp.EXPECTED).omp_get_max_threads() >= 1
