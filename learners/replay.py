"""The fold: events in sequence, and the rows that a question gave at its own time.

Training and serving meet here. A question's row is ``features`` of the memory that had folded
exactly the events known when it was asked, so no row can see the future or its own label.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.learner import (
    AnyEvent,
    AnyExample,
    AnyLearner,
    Event,
    Example,
    Label,
    Option,
    Table,
)
from learners.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event of the log with what training needs to know beside it.

    Attributes:
        memory_seq: The last event that the memory had folded when the question was asked;
            None for facts told without a decision.
        timed: The caller said when it was asked, so only events known before that count.
        served: What was answered under its decision, for the ledger.
    """

    event: AnyEvent
    memory_seq: int | None = None
    timed: bool = False
    group: str = ""
    propensity: float | None = None
    served: "Served | None" = None


@dataclass(frozen=True, slots=True)
class Served:
    """What an answer showed, by option, and its intervals; version 0 is none."""

    version: int
    predicted: Mapping[Option, float | None]
    bounds: Mapping[Option, tuple[float, float]] = field(
        default_factory=dict[Option, tuple[float, float]]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with its last word, and where in the log it was asked.

    Attributes:
        position: Number of events folded before it was asked.
        settled: Position of the event that gave its last word.
    """

    example: AnyExample
    labels: tuple[Label, ...]
    group: str
    position: int
    settled: int


@dataclass(slots=True)
class Fold:
    """A memory and how far it has come, with the ledger of what was said. It has one owner."""

    learner: AnyLearner
    memory: Any
    ledger: Ledger = field(default_factory=Ledger)
    seq: int = 0
    known: float = 0.0

    def observe(self, entry: Entry) -> None:
        """Fold the next event. Known time never goes backwards, whatever the clocks did."""
        event = entry.event
        if event.known < self.known:
            event = replace(event, known=self.known)
        self._score(event, entry.served)
        self.learner.observe(self.memory, event)
        self.seq, self.known = event.seq, event.known

    def _score(self, event: AnyEvent, served: Served | None) -> None:
        """Score what was said before it is folded; a correction does not score again.

        Where the earlier word gave no label, the later one is the first.
        """
        scored = set[Option]()
        if event.replaced is not None:
            labels = self.learner.labels(event.replaced.query, event.replaced.outcome)
            scored = {label.option for label in labels if label.weight > 0}
        for label in self.learner.labels(event.query, event.outcome):
            if label.weight > 0 and label.option not in scored:
                if served is not None and label.option in served.predicted:
                    said = served.predicted[label.option]
                    bounds = served.bounds.get(label.option)
                    self.ledger.score(served.version, said, label.y, label.weight, bounds)
                self.ledger.count(label.y, label.weight)


def start(learner: AnyLearner) -> Fold:
    """Return the fold of an empty log."""
    return Fold(learner, learner.memory(), Ledger(learner.scoring.kind))


def asked(learner: AnyLearner, entries: Sequence[Entry], newest: int | None = None) -> list[Asked]:
    """Return the questions of the log with their last words, in order of settlement.

    Args:
        entries: Gone through once, then looked at where the questions are.
        newest: How many of the questions settled last; None is all.
    """
    seqs = np.zeros(len(entries), dtype=np.int64)
    known = np.zeros(len(entries), dtype=np.float64)
    root: dict[int, int] = {}
    last: dict[int, int] = {}
    for i, entry in enumerate(entries):
        seqs[i], known[i] = entry.event.seq, entry.event.known
        replaced = entry.event.replaced
        root[entry.event.seq] = i if replaced is None else root.get(replaced.seq, i)
        last[root[entry.event.seq]] = i
    known = np.maximum.accumulate(known)
    settled = sorted(last.items(), key=lambda ends: ends[1])
    return [
        _question(learner, entries[first], entries[final], first, final, seqs, known)
        for first, final in settled[-newest if newest else 0 :]
    ]


def _position(entry: Entry, i: int, seqs: NDArray[np.int64], known: NDArray[np.float64]) -> int:
    if entry.memory_seq is not None:
        return min(i, int(np.searchsorted(seqs, entry.memory_seq, side="right")))
    if entry.timed:
        return min(i, int(np.searchsorted(known, entry.event.asked, side="left")))
    return i


def _question(
    learner: AnyLearner,
    first: Entry,
    final: Entry,
    i: int,
    settled: int,
    seqs: NDArray[np.int64],
    known: NDArray[np.float64],
) -> Asked:
    query, outcome = final.event.query, final.event.outcome  # what was really used, at last
    return Asked(
        example=_example(first, final),
        labels=learner.labels(query, outcome),
        group=first.group or learner.group(query),
        position=_position(first, i, seqs, known),
        settled=settled,
    )


def _example(first: Entry, final: Entry) -> AnyExample:
    return Example(
        query=final.event.query,
        outcome=final.event.outcome,
        asked=first.event.asked,
        known=final.event.known,
        option=final.event.option,
        group=first.group,
        propensity=first.propensity,
        source=final.event.source,
        strength=final.event.strength,
    )


def replay(
    learner: AnyLearner,
    entries: Sequence[Entry],
    questions: Iterable[Asked] = (),
    visit: Callable[[Any, Asked], None] = lambda memory, question: None,
    progress: Callable[[int], None] = lambda done: None,
) -> Fold:
    """Fold the log from its start, visiting each question at the moment it was asked."""
    waiting = sorted(questions, key=lambda question: question.position)
    fold, w = start(learner), 0
    for i, entry in enumerate(entries):
        while w < len(waiting) and waiting[w].position <= i:
            visit(fold.memory, waiting[w])
            w += 1
        fold.observe(entry)
        progress(i + 1)
    for question in waiting[w:]:
        visit(fold.memory, question)
    return fold


@dataclass(slots=True)
class Rows:
    """Collects rows of questions, then gives the table."""

    learner: AnyLearner
    _x: list[NDArray[np.float32]] = field(default_factory=list[NDArray[np.float32]])
    _meta: list[tuple[Label, Asked, int]] = field(default_factory=list[tuple[Label, Asked, int]])

    def add(self, memory: Any, question: Asked) -> None:
        """Add the rows of a question as the memory stands."""
        query, at = question.example.query, question.example.asked
        example = len(self._meta)
        for label in question.labels:
            if label.weight > 0:
                self._x.append(self.learner.features(memory, query, label.option, at))
                self._meta.append((label, question, example))

    def table(self) -> Table:
        """Return the rows in the order in which their labels became known."""
        order = sorted(range(len(self._meta)), key=lambda i: self._meta[i][1].settled)
        meta = [self._meta[i] for i in order]
        width = len(self.learner.columns)
        x = np.stack([self._x[i] for i in order]) if order else np.zeros((0, width), np.float32)
        propensity = [q.example.propensity for _, q, _ in meta]
        return Table(
            columns=self.learner.columns,
            x=x,
            y=np.array([label.y for label, _, _ in meta], dtype=np.float64),
            weight=np.array([label.weight for label, _, _ in meta], dtype=np.float64),
            option=tuple(label.option for label, _, _ in meta),
            asked=np.array([q.example.asked for _, q, _ in meta], dtype=np.float64),
            known=np.array([q.example.known for _, q, _ in meta], dtype=np.float64),
            group=tuple(q.group for _, q, _ in meta),
            propensity=np.array([np.nan if p is None else p for p in propensity], dtype=np.float64),
            example=np.array([example for _, _, example in meta], dtype=np.int64),
        )


def log(examples: Sequence[AnyExample]) -> list[Entry]:
    """Return examples as a log: in the order in which they became known."""
    ordered = sorted(examples, key=lambda example: example.known)
    return [
        Entry(
            event=Event(
                seq=i + 1,
                query=example.query,
                outcome=example.outcome,
                known=example.known,
                asked=example.asked,
                option=example.option,
                source=example.source,
                strength=example.strength,
            ),
            timed=True,
            group=example.group,
            propensity=example.propensity,
        )
        for i, example in enumerate(ordered)
    ]
