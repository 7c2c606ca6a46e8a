"""Emerging patterns: what is planted is found, and what is chance is not (002-05)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

from learners.catalog._generation.memory import GenerationMemory
from learners.catalog._generation.patterns import EVERYTHING
from learners.catalog._generation.types import SuccessOutcome
from learners.catalog.generation_success import LEARNER, RATE, GenerationQuery, emerging, enough
from learners.learner import Event

PARTS = {
    "agent": ("a1", "a2", "a3", "a4"),
    "task_type": ("backend", "frontend", "testing", "devops"),
    "model": ("m1", "m2", "m3"),
}
PLANTED = {"task_type": "testing", "model": "m2"}
NAMED = "task_type=testing & model=m2"


def drawn(rng: Generator, planted: float, effects: Mapping[str, float]) -> tuple[Any, bool]:
    """Draw a generation: what each part adds is additive, but for what is planted."""
    parts = {name: str(rng.choice(values)) for name, values in PARTS.items()}
    odds = 0.8 + sum(effects[value] for value in parts.values())
    if parts.items() >= PLANTED.items():
        odds += planted
    return parts, bool(rng.random() < 1 / (1 + np.exp(-odds)))


def event(i: int, parts: Mapping[str, Any], good: bool, before: Any = None) -> Any:
    query = GenerationQuery(task_key=f"task {i}", project="p", **parts)
    outcome = SuccessOutcome(action="approve" if good else "reject")
    at = 1.7e9 + 600.0 * i
    return Event(seq=i + 1, query=query, outcome=outcome, known=at, asked=at - 60, replaced=before)


def history(seed: int, n: int, planted: float = 0.0) -> GenerationMemory:
    rng = np.random.default_rng(seed)
    effects = {value: rng.normal(0, 0.6) for values in PARTS.values() for value in values}
    memory = LEARNER.memory()
    for i in range(n):
        LEARNER.observe(memory, event(i, *drawn(rng, planted, effects)))
    return memory


def test_what_is_planted_is_found_first() -> None:
    for seed in range(5):
        best, *_ = emerging(history(seed, 800, planted=-3.5))
        assert best.what == NAMED
        assert best.rate < best.expected
        assert best.n > 40
        assert best.p < 1e-4


def test_what_does_better_than_its_parts_is_found_too() -> None:
    found = emerging(history(3, 1500, planted=4.0))
    (best,) = (each for each in found if each.what == NAMED)
    assert best.rate > best.expected


def test_two_hundred_histories_of_chance_give_few_discoveries() -> None:
    """Each may hold a false one with probability RATE; of 200, 17 or fewer do in 98 of 100 runs."""
    found = [emerging(history(seed, 220)) for seed in range(200)]
    assert sum(map(bool, found)) <= 17
    assert RATE == 0.05


def test_long_histories_in_which_tasks_differ_less_than_assumed_give_none() -> None:
    """A model that is a little wrong for everything is no pattern of anything."""
    assert [emerging(history(seed, 1500)) for seed in range(8)] == [()] * 8


def test_nothing_is_tested_on_few_outcomes() -> None:
    memory = history(0, 11, planted=-9.0)
    assert enough(memory) == ()
    assert emerging(memory) == ()


@pytest.mark.parametrize("moved", [False, True])
def test_a_correction_changes_what_happened_and_not_how_often(moved: bool) -> None:
    parts = {"agent": "a1", "task_type": "testing", "model": "m2"}
    first = event(0, parts, True)
    memory = LEARNER.memory()
    LEARNER.observe(memory, first)
    told = list(memory.patterns[EVERYTHING])
    LEARNER.observe(memory, event(1, parts, moved, first))
    n, good, expected, variance = memory.patterns[EVERYTHING]
    assert (n, good) == (1.0, float(moved))
    assert [expected, variance] == told[2:]


def test_findings_are_sentences_with_their_figures() -> None:
    (first, *_) = LEARNER.findings(history(1, 800, planted=-3.5))
    assert first.startswith(f"{NAMED}: ")
    assert "accepted unmodified where its parts promise" in first
    assert LEARNER.findings(LEARNER.memory()) == ()
