"""Reads the data folders about compatibility into catalogues and examples, with their folds.

No data set has times. Where a protocol is about something new, the training rows must meet
something new as well: every unit (a licence, a version) gets a random moment at which it appears,
and what it does is asked then and known a little later.
"""

import csv
import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from learners.catalog._compatibility import CompatibilityLearner, compatibility
from learners.catalog._compatibility.memory import CompatibilityMemory
from learners.catalog._compatibility.types import (
    Catalogue,
    CompatibilityOutcome,
    CompatibilityQuery,
    Component,
    Context,
)
from learners.catalog.mixin_compatibility import LEARNER
from learners.learner import Event, Example, Label, Table

CompatibilityExample = Example[CompatibilityQuery, CompatibilityOutcome]
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Pairs:
    """A data set: its learner, its pairs in file order, and what folds are made of."""

    learner: CompatibilityLearner
    rows: tuple[Mapping[str, str], ...]
    examples: tuple[CompatibilityExample, ...]


def fold_of(key: str) -> int:
    """Return the fold of a key (data/README.md)."""
    return int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(), 16) % FOLDS


def mixin_seed_pairs(folder: Path) -> Pairs:
    """Return the 81 hand-labelled triples, for the shipped learner."""
    rows = tuple(_rows(folder / "mixin_seed_pairs" / "pairs.csv"))
    examples = [
        _example(
            LEARNER, row["mixin_a"], row["mixin_b"], row["node_type"], row["compatible"] == "1"
        )
        for row in rows
    ]
    return Pairs(LEARNER, rows, tuple(examples))


def licence_compat(folder: Path, name: str = "licence_compat") -> Pairs:
    """Return Yes against No of ordered licence pairs, with the licences' attributes."""
    table = list(_rows(folder / name / "licences.csv"))
    flags = tuple(column for column in table[0] if column[1:2] == ":")
    catalogue = Catalogue(
        components={
            row["licence"]: Component(
                name=row["licence"],
                flags=frozenset(flag for flag in flags if row[flag] == "1"),
                described=row["has_attributes"] == "1",
            )
            for row in table
        },
        shipped=tuple(row["licence"] for row in table),
        flags=flags,
        counted=False,
    )
    learner = compatibility(catalogue, [Context(name="any")], ordered=True, name=name)
    kept = [
        row
        for row in _rows(folder / name / "pairs.csv.gz")
        if row["compatibility"] in ("Yes", "No")
    ]
    examples = [
        _example(learner, row["leading"], row["subordinate"], "any", row["compatibility"] == "Yes")
        for row in kept
    ]
    return Pairs(learner, tuple(kept), tuple(examples))


def build_compat(folder: Path, name: str = "build_compat", least: int = 5) -> Pairs:
    """Return pairs of component versions with enough builds; the label is the majority."""
    kept = [
        row
        for row in _rows(folder / name / "pairs.csv.gz")
        if int(row["n_success"]) + int(row["n_failure"]) >= least
    ]
    compilers = sorted({row["context"] for row in kept})
    learner = compatibility(
        Catalogue(counted=False), [Context(name=c) for c in compilers], ordered=True, name=name
    )
    examples = [
        _example(
            learner,
            row["component_a"],
            row["component_b"],
            row["context"],
            int(row["n_success"]) >= int(row["n_failure"]),
        )
        for row in kept
    ]
    return Pairs(learner, tuple(kept), tuple(examples))


def appearing(
    examples: Sequence[CompatibilityExample],
    units: Sequence[tuple[str, ...]],
    rng: np.random.Generator,
) -> list[CompatibilityExample]:
    """Return the examples in time: each asked when the last of its units appears."""
    names = sorted({unit for of_one in units for unit in of_one})
    moment = dict(zip(names, rng.permutation(len(names)).tolist(), strict=True))
    timed: list[CompatibilityExample] = []
    for example, of_one in zip(examples, units, strict=True):
        at = float(max(moment[unit] for unit in of_one))
        timed.append(
            Example(
                query=example.query,
                outcome=example.outcome,
                asked=at,
                known=at + 0.5,
                group=of_one[0] if len(of_one) == 1 else max(of_one, key=lambda u: moment[u]),
            )
        )
    return sorted(timed, key=lambda it: it.asked)


def table(
    learner: CompatibilityLearner,
    examples: Sequence[CompatibilityExample],
    memory: CompatibilityMemory | None = None,
) -> tuple[Table, CompatibilityMemory]:
    """Return the rows of examples in time, each from what was known before, and the memory after.

    With a ``memory`` the rows are all computed from it as it stands, and nothing is added.
    """
    frozen = memory is not None
    state = learner.memory() if memory is None else memory
    waiting: list[tuple[int, CompatibilityExample]] = []
    x: list[NDArray[np.float32]] = []
    meta: list[tuple[Label, int]] = []
    for i, example in enumerate(examples):
        while not frozen and waiting and waiting[0][1].known <= example.asked:
            _tell(learner, state, *waiting.pop(0))
        for label in learner.labels(example.query, example.outcome):
            x.append(learner.features(state, example.query, label.option, example.asked))
            meta.append((label, i))
        waiting.append((i, example))
    if not frozen:
        for left in waiting:
            _tell(learner, state, *left)
    of = [examples[i] for _, i in meta]
    rows = Table(
        columns=learner.columns,
        x=np.stack(x),
        y=np.array([label.y for label, _ in meta]),
        weight=np.array([label.weight for label, _ in meta]),
        option=tuple(label.option for label, _ in meta),
        asked=np.array([it.asked for it in of]),
        known=np.array([it.known for it in of]),
        group=tuple(it.group or learner.group(it.query) for it in of),
        propensity=np.full(len(meta), np.nan),
        example=np.array([i for _, i in meta], dtype=np.int64),
    )
    return rows, state


def _tell(
    learner: CompatibilityLearner, state: CompatibilityMemory, i: int, it: CompatibilityExample
) -> None:
    event = Event(seq=i, query=it.query, outcome=it.outcome, known=it.known, asked=it.asked)
    learner.observe(state, event)


def _example(
    learner: CompatibilityLearner,
    a: str,
    b: str,
    context: str,
    good: bool,
) -> CompatibilityExample:
    outcome = CompatibilityOutcome(success=int(good), failure=int(not good), label=True)
    return Example(
        query=learner.query(mixins=(a, b), node_type=context), outcome=outcome, asked=0.0, known=0.0
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
            yield from csv.DictReader(cast("IO[str]", file))
    else:
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)
