"""Fitted compatibility models: what a fit does with odd tables, and what is refused when read."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from learners.catalog._compatibility.candidates import MOST_FOR_DEEP_BOOSTING
from learners.catalog._compatibility.params import CompatibilityParams
from learners.catalog._compatibility.types import verdict_of
from learners.catalog.mixin_compatibility import CATALOGUE, LEARNER
from learners.errors import Damaged, NotYet
from learners.learner import AnyExample, Event, Example, Table
from learners.numerics import forests
from learners.replay import Rows, asked, log, replay
from models import packing

NAMES = list(CATALOGUE.components)


def example(mixins: tuple[str, ...], good: bool, at: float) -> AnyExample:
    query = LEARNER.query.model_validate({"mixins": mixins, "node_type": "EFFECT"})
    outcome = LEARNER.verdict("success" if good else "failure")
    return Example(query=query, outcome=outcome, asked=at, known=at + 0.5)


def table(examples: list[AnyExample]) -> Table:
    entries = log(examples)
    rows = Rows(LEARNER)
    replay(LEARNER, entries, asked(LEARNER, entries), rows.add)
    return rows.table()


@cache
def specimens() -> Table:
    rng = np.random.default_rng(0)
    return table([LEARNER.specimen(rng) for _ in range(120)])


@cache
def fitted(name: str = "pair_rates") -> CompatibilityParams:
    return LEARNER.candidates[name](specimens(), np.random.default_rng(0))


def tampered(**changes: Any) -> bytes:
    """Return params with another manifest or other arrays, under a checksum that is right."""
    manifest, arrays = packing.unpack(LEARNER.dump(fitted()))
    for name, value in changes.items():
        if name in arrays:
            arrays[name] = np.asarray(value(arrays[name]))
        else:
            manifest[name] = value(manifest[name])
    return packing.pack(manifest, arrays)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rest": lambda it: it + 10_000}, "a column points outside the row"),
        ({"rest": lambda it: it - 10_000}, "a column points outside the row"),
        ({"names": lambda it: it[:-1]}, "the columns do not fit their names"),
        ({"rest": lambda it: it[:-1]}, "the columns do not fit their names"),
        ({"coefficients": lambda it: it[:-1]}, "not a compatibility model"),
        ({"kind": lambda _: "oracle"}, "not a compatibility model"),
        ({"width": lambda it: it + 1}, "reads other columns than this catalogue has"),
    ],
)
def test_a_model_that_reads_what_is_not_there_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Damaged, match=reason):
        LEARNER.load(tampered(**changes))


def test_rows_of_another_width_are_refused() -> None:
    rows = specimens()
    narrow = Table(
        rows.columns[:-1], rows.x[:, :-1], rows.y, rows.weight, rows.option, rows.asked,
        rows.known, rows.group, rows.propensity, rows.example,
    )  # fmt: skip
    with pytest.raises(Damaged, match=r"rows have \d+ columns, the version \d+"):
        LEARNER.score(fitted(), narrow)


def test_a_set_without_its_pairs_is_scored_from_the_rates_in_its_row() -> None:
    rows = specimens()
    whole = rows.take(np.flatnonzero(rows.x[:, rows.columns.index("is_set")] > 0))
    assert len(whole) > 0
    p = LEARNER.score(fitted(), whole)
    assert ((p > 0) & (p < 1)).all()


def test_the_deep_boosting_of_the_specification_is_left_out_where_it_takes_minutes() -> None:
    rows = specimens()
    many = rows.take(np.arange(4 * MOST_FOR_DEEP_BOOSTING) % len(rows))
    with pytest.raises(NotYet, match=f"takes minutes, the limit is {MOST_FOR_DEEP_BOOSTING}"):
        LEARNER.candidates["spec_forest_boosting"](many, np.random.default_rng(0))


def test_where_one_pair_alone_fails_the_others_teach_nothing_about_failing() -> None:
    told = [
        example((NAMES[i % 7], NAMES[7 + i % 9]), not (i % 7 == 0 and i % 9 == 0), float(i))
        for i in range(126)
    ]
    params = LEARNER.candidates["logistic"](table(told), np.random.default_rng(0))
    p = LEARNER.score(params, table(told))
    assert ((p > 0.5) & (p < 1)).mean() > 0.9


def test_taking_back_what_was_evicted_takes_nothing_from_others() -> None:
    memory = LEARNER.memory()
    told = example((NAMES[0], NAMES[1]), True, 1.0)
    event = Event(seq=1, query=told.query, outcome=told.outcome, known=1.0, asked=1.0)
    LEARNER.observe(memory, event)
    memory.counts["pair"].clear()  # as after many other pairs
    neutral = LEARNER.verdict("neutral")
    taken_back = Event(
        seq=2, query=told.query, outcome=neutral, known=2.0, asked=1.0, replaced=event
    )
    LEARNER.observe(memory, taken_back)
    assert memory.counts["pair"] == {}
    assert memory.counts["component"] == {}


def test_without_a_probability_there_is_no_verdict() -> None:
    assert [verdict_of(p) for p in (None, 0.5, 0.49)] == ["unknown", "compatible", "incompatible"]


def test_arrays_that_do_not_fit_together_are_no_forest() -> None:
    one = np.zeros(1)
    with pytest.raises(ValueError, match="do not fit together"):
        forests.Forest(
            one.astype(np.int32), one, np.zeros(3, np.int32), one, np.zeros(1, np.int32), 1, 1, 1.0
        )
