"""Effects that are believed, and moved by outcomes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.numerics import beliefs
from learners.numerics.beliefs import Belief

variances = st.floats(0.01, 9.0)
means = st.floats(-4.0, 4.0)


@given(means, variances, st.sampled_from([0.0, 1.0]))
def test_an_outcome_moves_towards_itself_and_makes_surer(
    mean: float, variance: float, y: float
) -> None:
    before = Belief(mean, variance)
    after = beliefs.moved(before, beliefs.of_binary(before, y))
    assert (after.mean > before.mean) == (y == 1.0)
    assert 0 < after.variance < before.variance


@given(means, variances, st.floats(-50, 50), st.floats(0.05, 4.0))
def test_a_value_moves_towards_itself_but_never_past_it(
    mean: float, variance: float, y: float, noise: float
) -> None:
    before = Belief(mean, variance)
    after = beliefs.moved(before, beliefs.of_value(before, y, noise))
    assert min(mean, y) - 1e-9 <= after.mean <= max(mean, y) + 1e-9
    assert 0 < after.variance < before.variance


def test_one_value_gives_the_posterior_of_the_normal_model() -> None:
    prior, noise, y = Belief(1.0, 2.0), 0.5, 2.0
    after = beliefs.moved(prior, beliefs.of_value(prior, y, noise))
    assert after.variance == pytest.approx(1 / (1 / 2.0 + 1 / 0.5))
    assert after.mean == pytest.approx(after.variance * (1.0 / 2.0 + y / 0.5))


def test_what_is_far_off_pulls_no_further_than_what_is_off() -> None:
    prior = Belief(0.0, 1.0)
    far = beliefs.moved(prior, beliefs.of_value(prior, 1e6, 1.0))
    near = beliefs.moved(prior, beliefs.of_value(prior, 3.0 * math.sqrt(2.0), 1.0))
    assert far.mean == pytest.approx(near.mean)


def test_a_probability_that_is_not_known_for_sure_is_nearer_to_one_half() -> None:
    sure, unsure = beliefs.probability(Belief(2.0, 0.0)), beliefs.probability(Belief(2.0, 4.0))
    assert sure == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert 0.5 < unsure < sure


def test_agents_and_tasks_are_told_apart() -> None:
    """Two abilities, many easinesses: the model of Rasch, learned one outcome at a time."""
    rng = np.random.default_rng(0)
    ability = {"able": 1.0, "poor": -1.0}
    easy = {f"t{i}": float(rng.normal(0, 1.5)) for i in range(150)}
    held = {name: Belief(0.0, 1.0) for name in ability} | {name: Belief(0.0, 3.0) for name in easy}
    for task, ease in easy.items():
        for agent in rng.permutation(list(ability)).tolist():
            y = float(rng.random() < 1 / (1 + math.exp(-ability[agent] - ease)))
            pull = beliefs.of_binary(beliefs.together([held[agent], held[task]]), y)
            held[agent], held[task] = (beliefs.moved(held[each], pull) for each in (agent, task))
    assert held["able"].mean - held["poor"].mean == pytest.approx(2.0, abs=0.8)
    learned = [held[task].mean for task in easy]
    assert np.corrcoef(learned, list(easy.values()))[0, 1] > 0.5
