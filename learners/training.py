"""One training attempt as a pure function: replay, split by time, fit, judge, decide."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import joblib
import numpy as np
from numpy.typing import NDArray

from learners import judging
from learners.errors import NotYet
from learners.judging import Report
from learners.learner import AnyLearner, Evidence, Floats, Table
from learners.numerics import intervals
from learners.replay import Asked, Entry, Fold, Rows, asked, replay

P = TypeVar("P")

HELD_OUT = 0.25  # share of the latest questions that judge
MOST_HELD_OUT = 0.5  # when the gate's groups need more
FOLDS = 5  # 000-43

CONSTANT = "the best constant"
SERVED = "what is served without a version"
INCUMBENT = "the incumbent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Generic[P]):
    """How an attempt ended.

    Attributes:
        missing: For a skipped attempt, the outcomes in all at which another makes sense.
        fold: The memory at the end of the log: the next snapshot.
    """

    result: Literal["admitted", "rejected", "skipped"]
    reason: str
    fold: Fold
    evidence: Evidence
    missing: int | None = None
    candidate: str = ""
    params: P | None = None
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The earlier rows that teach and the later ones that judge."""

    train: Table
    test: Table
    served: Floats
    fold: Fold


def train(
    learner: AnyLearner,
    entries: Sequence[Entry],
    incumbent: Any,
    rng: np.random.Generator,
    *,
    requested: bool = False,
    progress: Callable[[str], None] = lambda step: None,
    report: bool = True,
) -> Training[Any]:
    """Fit every candidate on the earlier rows and judge on the later ones.

    Args:
        incumbent: Params being served, or None.
        requested: Somebody asked for this run: the count of outcomes does not hold it back, the
            count of distinct things does.
        progress: Told each step in words.
        report: Whether to spend time on what the model card shows beside the decision.
    """
    progress("replaying")
    split = divide(learner, entries)
    evidence = learner.evidence(split.fold.memory)
    lacking = _lacking(learner, evidence, split.test, requested)
    if lacking is not None:
        reason, missing = lacking
        return Training(
            result="skipped", reason=reason, fold=split.fold, evidence=evidence, missing=missing
        )
    progress("fitting")
    fitted, unavailable = fit_all(learner, split.train, rng)
    if not fitted:
        reason = "; ".join(f"{name}: {why}" for name, why in unavailable.items())
        return Training(
            result="skipped",
            reason=reason,
            fold=split.fold,
            evidence=evidence,
            missing=math.ceil(evidence.outcomes * 1.5),
        )
    chosen = choose(learner, split.train, tuple(fitted), rng)
    progress("judging")
    return _judged(learner, split, evidence, fitted, unavailable, chosen, incumbent, rng, report)


def _judged(
    learner: AnyLearner,
    split: Split,
    evidence: Evidence,
    fitted: Mapping[str, Any],
    unavailable: Mapping[str, str],
    chosen: str,
    incumbent: Any,
    rng: np.random.Generator,
    report: bool,
) -> Training[Any]:
    test = split.test
    best = learner.scoring.constant(split.train.y, split.train.weight)
    constant = np.full(len(test), best)
    served = np.where(np.isnan(split.served), best, split.served)
    others = {CONSTANT: constant, SERVED: served}
    if incumbent is not None:
        others = {CONSTANT: constant, INCUMBENT: learner.score(incumbent, test)}
    predictions = {name: learner.score(params, test) for name, params in fitted.items()}
    verdict = judging.decide(
        learner.gate, learner.scoring, test, predictions[chosen], others, len(fitted), rng
    )
    return Training(
        result="admitted" if verdict.admitted else "rejected",
        reason=f"{chosen}: {verdict.reason}",
        fold=split.fold,
        evidence=evidence,
        candidate=chosen,
        params=fitted[chosen],
        report=replace(
            judging.judge(
                test,
                {**predictions, **others},
                rng,
                kind=learner.scoring.kind,
                bounds=bounds_of(learner, fitted, test),
            ),
            chosen=chosen,
            unavailable=unavailable,
            folds=cross_validated(learner, split.train, chosen, rng),
            importance=important(learner, fitted[chosen]),
        )
        if report
        else None,
    )


def bounds_of(
    learner: AnyLearner, fitted: Mapping[str, Any], table: Table
) -> dict[str, tuple[Floats, Floats]]:
    """Return the intervals of every candidate that gives them, for the rows of a table."""
    if learner.interval is None:
        return {}
    return {name: learner.interval(params, table) for name, params in fitted.items()}


def important(learner: AnyLearner, params: Any) -> dict[str, float]:
    """Return the importance of columns to params, the greatest first; nothing of the unknown."""
    found = {} if learner.importance is None else learner.importance(params)
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _lacking(
    learner: AnyLearner, evidence: Evidence, test: Table, requested: bool
) -> tuple[str, int] | None:
    """Return what is missing in words, and the outcomes at which to look again."""
    policy, groups = learner.retrain, len(set(test.group))
    if evidence.distinct < policy.minimum_distinct:
        reason = (
            f"{evidence.distinct} of {policy.minimum_distinct} {policy.things}, "
            f"{policy.minimum_distinct - evidence.distinct} missing"
        )
        return reason, evidence.outcomes + 1
    if evidence.outcomes < policy.minimum_outcomes and not requested:
        missing = policy.minimum_outcomes - evidence.outcomes
        reason = f"{evidence.outcomes} of {policy.minimum_outcomes} outcomes, {missing} missing"
        return reason, policy.minimum_outcomes
    if groups < learner.gate.groups:
        need = learner.gate.groups
        again = math.ceil(evidence.outcomes * min(2.0, need / max(1, groups)))
        return f"{groups} of {need} held-out groups, {need - groups} missing", again
    return None


def divide(learner: AnyLearner, entries: Sequence[Entry]) -> Split:
    """Replay the log and divide its questions by time.

    Questions asked before the cut and settled after it are in neither part: their answers could
    not have been known to a model trained at the cut.
    """
    newest = asked(learner, entries, learner.retrain.window)
    questions = [q for q in newest if any(x.weight > 0 for x in q.labels)]
    cut = _cut([q.group for q in questions], learner.gate.groups)
    position = questions[cut].settled if cut < len(questions) else len(entries)
    later = {id(q) for q in questions[cut:] if q.position >= position}
    earlier = {id(q) for q in questions[:cut]}
    train, test, served = Rows(learner), Rows(learner), dict[int, list[float]]()
    nobody = np.random.default_rng(0)

    def visit(memory: Any, question: Asked) -> None:
        if id(question) in earlier:
            train.add(memory, question)
        elif id(question) in later:
            test.add(memory, question)
            served[question.settled] = _served(learner, memory, question, nobody)

    fold = replay(learner, entries, questions, visit)
    flat = [p for settled in sorted(served) for p in served[settled]]
    return Split(train.table(), test.table(), np.array(flat, dtype=np.float64), fold)


def _served(
    learner: AnyLearner, memory: Any, question: Asked, rng: np.random.Generator
) -> list[float]:
    advice = learner.answer(None, memory, question.example.query, question.example.asked, rng)
    predicted = learner.predicted(advice)
    said = [predicted.get(x.option) for x in question.labels if x.weight > 0]
    return [math.nan if p is None else p for p in said]


def _cut(groups: Sequence[str], needed: int) -> int:
    """Return the first held-out question: a quarter, or more while groups are lacking."""
    n = len(groups)
    cut, seen = math.ceil(n * (1 - HELD_OUT)), set[str]()
    seen.update(groups[cut:])
    least = math.floor(n * (1 - MOST_HELD_OUT))
    while len(seen) < needed and cut > least:
        cut -= 1
        seen.add(groups[cut])
    return cut


def fit_all(
    learner: AnyLearner,
    table: Table,
    rng: np.random.Generator,
    names: Sequence[str] = (),
) -> tuple[dict[str, Any], dict[str, str]]:
    """Fit the candidates side by side; return params by name, and why others have none."""
    names = names or tuple(learner.candidates)
    results = _parallel(
        [(learner.candidates[name], table, seed) for name, seed in seeded(names, rng)]
    )
    pairs = list(zip(names, results, strict=True))
    return (
        {name: r for name, r in pairs if not isinstance(r, NotYet)},
        {name: str(r) for name, r in pairs if isinstance(r, NotYet)},
    )


def seeded(names: Sequence[str], rng: np.random.Generator) -> list[tuple[str, int]]:
    """Return each name with a seed of its own, drawn in their order."""
    return [
        (name, int(seed))
        for name, seed in zip(names, rng.integers(0, 2**63, len(names)), strict=True)
    ]


def _parallel(jobs: Sequence[tuple[Any, Table, int]]) -> list[Any]:
    """One backend setting of joblib distributes folds and candidates."""
    return list(joblib.Parallel()(joblib.delayed(_attempt)(*job) for job in jobs))


def _attempt(fit: Any, table: Table, seed: int) -> Any:
    try:
        return fit(table, np.random.default_rng(seed))
    except NotYet as error:
        return error


def choose(
    learner: AnyLearner, table: Table, names: Sequence[str], rng: np.random.Generator
) -> str:
    """Return the candidate with the least loss on the later part of the training rows."""
    if len(names) == 1:
        return names[0]
    cut = math.ceil(len(table) * (1 - HELD_OUT))
    inner, later = table.take(np.arange(cut)), table.take(np.arange(cut, len(table)))
    fitted, _ = fit_all(learner, inner, rng, names)
    losses = {
        name: float(
            np.average(learner.scoring.loss(later.y, learner.score(p, later)), weights=later.weight)
        )
        for name, p in fitted.items()
    }
    return min(losses, key=lambda name: losses[name]) if losses else names[0]


def cross_validated(
    learner: AnyLearner, table: Table, name: str, rng: np.random.Generator
) -> tuple[float, ...]:
    """Return the accuracy of each of five folds; rows of one group stay together (000-43).

    Nothing for learners of values, which have no accuracy.
    """
    if learner.scoring.kind == "value":
        return ()
    cluster = intervals.codes(table.group)
    count = int(cluster.max()) + 1
    if count < FOLDS:
        return ()
    fold = rng.permutation(count)[cluster] % FOLDS
    rows = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
    seeds = rng.integers(0, 2**63, FOLDS)
    fitted = _parallel(
        [
            (learner.candidates[name], table.take(earlier), int(seed))
            for (earlier, _), seed in zip(rows, seeds, strict=True)
        ]
    )
    return tuple(
        _accuracy(learner, params, table.take(later))
        for params, (_, later) in zip(fitted, rows, strict=True)
        if not isinstance(params, NotYet)
    )


def _accuracy(learner: AnyLearner, params: Any, table: Table) -> float:
    right: NDArray[np.bool_] = (learner.score(params, table) > 0.5) == (table.y > 0.5)
    return float(np.average(right, weights=table.weight))
