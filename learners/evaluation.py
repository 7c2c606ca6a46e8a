"""Two entry points that judge a learner on any data.

``evaluate`` takes any split of examples; ``backtest`` replays examples in time order through the
functions that serve and train, and scores each answer when its outcome becomes known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from learners import judging, training
from learners.judging import Report
from learners.learner import AnyExample, AnyLearner, Evidence, Floats, Retrain, Table
from learners.ledger import Ledger as Scores
from learners.monitoring import LastRun, due
from learners.numerics.intervals import Interval
from learners.numerics.scoring import Kind, Scoring
from learners.replay import Asked, Entry, Rows, asked, log, replay, start

CURVE = 40  # points of a learning curve
RUNNING: Mapping[Kind, str] = {
    "probability": "the running base rate",
    "value": "the running median",
}
FOLDED = 2000  # newest rows that are cross-validated: a table, not an afternoon


def tables(
    learner: AnyLearner, train: Sequence[AnyExample], test: Sequence[AnyExample]
) -> tuple[Table, Table, Floats]:
    """Return training rows as the fold saw them, test rows as the fold's end sees them.

    The third value holds what is served for each test row without a version (NaN: nothing).
    """
    entries = log(train)
    rows, later, said = Rows(learner), Rows(learner), list[float]()
    fold = replay(learner, entries, asked(learner, entries), rows.add)
    nobody = np.random.default_rng(0)
    for i, example in enumerate(test):
        question = Asked(
            example=example,
            labels=learner.labels(example.query, example.outcome),
            group=example.group or learner.group(example.query),
            position=len(entries),
            settled=i,
        )
        later.add(fold.memory, question)
        advice = learner.answer(None, fold.memory, example.query, example.asked, nobody)
        predicted = learner.predicted(advice)
        for label in question.labels:
            if label.weight > 0:
                p = predicted.get(label.option)
                said.append(np.nan if p is None else p)
    return rows.table(), later.table(), np.array(said)


def evaluate(
    learner: AnyLearner,
    train: Sequence[AnyExample],
    test: Sequence[AnyExample],
    rng: np.random.Generator,
) -> Report:
    """Fit every candidate on one part and report on the other, with the baselines beside.

    Raises:
        ValueError: One of the parts has no labelled example.
    """
    earlier, later, served = tables(learner, train, test)
    if not len(earlier) or not len(later):
        part = "train" if not len(earlier) else "test"
        raise ValueError(f"{part}: expected at least one labelled example, got none")
    fitted, unavailable = training.fit_all(learner, earlier, rng)
    chosen = training.choose(learner, earlier, tuple(fitted), rng) if fitted else ""
    constant = learner.scoring.constant(earlier.y, earlier.weight)
    predictions = {name: learner.score(params, later) for name, params in fitted.items()}
    predictions[training.CONSTANT] = np.full(len(later), constant)
    predictions[training.SERVED] = np.where(np.isnan(served), constant, served)
    report = judging.judge(
        later,
        predictions,
        rng,
        kind=learner.scoring.kind,
        bounds=training.bounds_of(learner, fitted, later),
    )
    importance = training.important(learner, fitted[chosen]) if chosen else {}
    return replace(report, chosen=chosen, unavailable=unavailable, importance=importance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A training attempt within a backtest."""

    outcomes: int
    result: str
    candidate: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a backtest found, answer by answer, in order of settlement.

    Attributes:
        y: (n,) what happened; ``weight`` observations each.
        p: (n,) what was said; NaN where nothing was.
        base: (n,) the running constant at that moment: the base rate, or the median of the newest.
        sources: (n,) what the answer came from; ``versions`` the version, 0 for none.
        group: (n,)
        attempts: Training attempts in order.
        folds_of: The candidate whose accuracy per fold follows: the last that was chosen.
        bounds: Lower and upper ends (n,) of the intervals given; NaN where there were none.
        folds: Accuracy of each of five grouped folds of the newest rows (000-43).
    """

    scoring: Scoring
    y: Floats
    weight: Floats
    p: Floats
    base: Floats
    bounds: tuple[Floats, Floats]
    sources: tuple[str, ...]
    versions: tuple[int, ...]
    group: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    folds_of: str = ""
    folds: tuple[float, ...] = ()

    def said(self) -> Floats:
        """Return p, or the running constant where nothing was said."""
        return np.where(np.isnan(self.p), self.base, self.p)

    def metrics(self, rng: np.random.Generator) -> dict[str, dict[str, Interval]]:
        """Return metrics with intervals of what was said and of the running base rate."""
        n = len(self.y)
        table = Table(
            columns=(),
            x=np.zeros((n, 0), np.float32),
            y=self.y,
            weight=self.weight,
            option=(None,) * n,
            asked=np.zeros(n),
            known=np.zeros(n),
            group=self.group,
            propensity=np.full(n, np.nan),
            example=np.arange(n),
        )
        kind = self.scoring.kind
        contenders = {"what was said": self.said(), RUNNING[kind]: self.base}
        low, high = self.bounds
        given = {"what was said": self.bounds} if not np.isnan([low, high]).any() else {}
        report = judging.judge(table, contenders, rng, kind=kind, bounds=given)
        return {name: dict(values) for name, values in report.metrics.items()}

    def curve(self) -> list[tuple[float, float, float]]:
        """Return (observations, mean loss so far, that of the running constant) along the way."""
        observations = np.cumsum(self.weight)
        loss = self.scoring.loss
        own = np.cumsum(loss(self.y, self.said()) * self.weight) / observations
        base = np.cumsum(loss(self.y, self.base) * self.weight) / observations
        points = np.unique(np.linspace(0, len(self.y) - 1, min(CURVE, len(self.y))).astype(int))
        return [(float(observations[i]), float(own[i]), float(base[i])) for i in points]

    def abstention(
        self, shares: Sequence[float] = (0.2, 0.4, 0.6, 0.8, 1.0)
    ) -> list[tuple[float, float]]:
        """Return the error when only the surest share of answers is given; nothing of values."""
        if self.scoring.kind == "value":
            return []
        said = self.said()
        order = np.argsort(-np.abs(said - 0.5), kind="stable")
        reached = np.cumsum(self.weight[order]) / self.weight.sum()
        wrong = ((said > 0.5) != (self.y > 0.5))[order] * self.weight[order]
        curve = list[tuple[float, float]]()
        for share in shares:
            last = min(int(np.searchsorted(reached, share)), len(order) - 1) + 1
            curve.append((share, float(wrong[:last].sum() / self.weight[order][:last].sum())))
        return curve


class _Said(NamedTuple):
    """What an answer said of one option, with its interval where it gave one."""

    p: float | None
    bounds: tuple[float, float] | None
    source: str
    version: int


class _Line(NamedTuple):
    """An answer once it is settled."""

    y: float
    weight: float
    base: float
    said: _Said
    group: str


@dataclass(slots=True)
class _Backtest:
    """The state of a replay: what is served, what was said, when to train again."""

    learner: AnyLearner
    rng: np.random.Generator
    policy: Retrain
    params: Any = None
    version: int = 0
    last: LastRun | None = None
    scores: Scores = field(init=False)
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    rows: Rows = field(init=False)
    answers: dict[int, list["_Said"]] = field(default_factory=dict[int, list["_Said"]])

    def __post_init__(self) -> None:
        self.rows = Rows(self.learner)
        self.scores = Scores(self.learner.scoring.kind)

    def ask(self, memory: Any, question: Asked) -> None:
        example = question.example
        self.rows.add(memory, question)
        advice = self.learner.answer(self.params, memory, example.query, example.asked, self.rng)
        predicted = self.learner.predicted(advice)
        bounds = self.learner.bounds(advice)
        self.answers[question.settled] = [
            _Said(
                predicted.get(label.option), bounds.get(label.option), advice.source, self.version
            )
            for label in question.labels
            if label.weight > 0
        ]

    def due(self, evidence: Evidence, at: float) -> bool:
        revision, moment = self.learner.revision, datetime.fromtimestamp(at, UTC)
        return due(self.policy, evidence, self.last, revision=revision, catalogue=0, at=moment).now

    def train(self, evidence: Evidence, entries: Sequence[Entry], at: float) -> None:
        result = training.train(self.learner, entries, self.params, self.rng, report=False)
        self.attempts.append(
            Attempt(
                outcomes=evidence.outcomes,
                result="promoted" if result.result == "admitted" else result.result,
                candidate=result.candidate,
                reason=result.reason,
            )
        )
        if result.result == "admitted":
            self.params, self.version = result.params, self.version + 1
        self.last = LastRun(
            outcomes=evidence.outcomes,
            finished=datetime.fromtimestamp(at, UTC),
            revision=self.learner.revision,
            skipped=result.result == "skipped",
            missing=result.missing,
        )


def backtest(
    learner: AnyLearner,
    examples: Sequence[AnyExample],
    rng: np.random.Generator,
    *,
    retrain: Retrain | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Ledger:
    """Replay examples in time order: ask, be told, retrain when due, and keep the ledger.

    Args:
        retrain: Instead of the learner's own policy (wider steps on long histories).
        progress: Told how many outcomes are done.

    Raises:
        ValueError: No example carries a label.
    """
    entries = log(examples)
    questions = asked(learner, entries)
    waiting = sorted(questions, key=lambda question: question.position)
    settling = {question.settled: question for question in questions}
    state = _Backtest(learner, rng, retrain or learner.retrain)
    lines = list[_Line]()
    fold, w = start(learner), 0
    for i, entry in enumerate(entries):
        while w < len(waiting) and waiting[w].position <= i:
            state.ask(fold.memory, waiting[w])
            w += 1
        if i in settling:
            lines.extend(_settle(state, settling[i]))
        fold.observe(entry)
        evidence = learner.evidence(fold.memory)
        if state.due(evidence, fold.known):
            state.train(evidence, entries[: i + 1], fold.known)
        progress(i + 1)
    if not lines:
        raise ValueError("examples: expected at least one with a label, got none")
    chosen = next((a.candidate for a in reversed(state.attempts) if a.candidate), "")
    return Ledger(
        scoring=learner.scoring,
        y=np.array([it.y for it in lines]),
        weight=np.array([it.weight for it in lines]),
        p=np.array([np.nan if it.said.p is None else it.said.p for it in lines]),
        base=np.array([it.base for it in lines]),
        bounds=_ends([it.said.bounds for it in lines]),
        sources=tuple(it.said.source for it in lines),
        versions=tuple(it.said.version for it in lines),
        group=tuple(it.group for it in lines),
        attempts=tuple(state.attempts),
        folds_of=chosen,
        folds=_folds(learner, state.rows.table(), chosen, rng) if chosen else (),
    )


def _folds(
    learner: AnyLearner, table: Table, name: str, rng: np.random.Generator
) -> tuple[float, ...]:
    newest = table.take(np.arange(max(0, len(table) - FOLDED), len(table)))
    return training.cross_validated(learner, newest, name, rng)


def _ends(bounds: Sequence[tuple[float, float] | None]) -> tuple[Floats, Floats]:
    ends = np.array([(np.nan, np.nan) if each is None else each for each in bounds])
    return ends[:, 0], ends[:, 1]


def _settle(state: _Backtest, question: Asked) -> list[_Line]:
    labels = [label for label in question.labels if label.weight > 0]
    lines = list[_Line]()
    for label, said in zip(labels, state.answers.pop(question.settled), strict=True):
        base = state.scores.base()
        state.scores.score(said.version, said.p, label.y, label.weight, said.bounds)
        state.scores.count(label.y, label.weight)
        lines.append(_Line(label.y, label.weight, base, said, question.group))
    return lines
