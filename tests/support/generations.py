"""Four small learners of one generation: what it gave, how long it took, how it was judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from learners.catalog._generation.types import (
    Action,
    ComplexityOutcome,
    GenerationQuery,
    QualityOutcome,
    SuccessOutcome,
    TimeOutcome,
)
from learners.learner import (
    Advice,
    AnyLearner,
    Event,
    Evidence,
    Example,
    Floats,
    Label,
    Learner,
    Option,
    Row,
    Source,
    Table,
    Verdict,
)
from learners.numerics.scoring import ABSOLUTE_ERROR, LOG_LOSS, Scoring

SETTINGS = ("agent", "model", "template", "temperature", "max_tokens")
ACTIONS: dict[Verdict, Action] = {"success": "approve", "neutral": "modify", "failure": "reject"}
NAMES = ("generation_complexity", "generation_quality", "generation_success", "generation_time")
TASK = "Build a login API: it must validate the email of ann@example.org"
ASK = {
    "task_description": TASK, "task_type": "backend", "language": "python", "agent": "coder",
    "model": "large", "temperature": 0.2, "project": "p",
}  # fmt: skip


class Expected(Advice):
    """The mean so far."""

    value: float | None


@dataclass
class Memory:
    """What was told, by the model that was used."""

    n: float = 0.0
    total: float = 0.0
    models: tuple[tuple[str, float], ...] = ()


def _say(outcome: Any) -> float | None:
    if isinstance(outcome, SuccessOutcome):
        return float(outcome.action == "approve")
    if isinstance(outcome, TimeOutcome):
        return outcome.seconds
    if isinstance(outcome, QualityOutcome):
        return outcome.quality
    measured = outcome.measured
    return outcome.complexity if measured is None else float(measured.cyclomatic_complexity)


def _labels(query: Any, outcome: Any) -> tuple[Label, ...]:
    value = _say(outcome)
    return () if value is None else (Label(None, value, 1.0),)


def _observe(memory: Memory, event: Event[GenerationQuery, Any]) -> None:
    for each, sign in ((event.replaced, -1), (event, 1)):
        value = None if each is None else _say(each.outcome)
        if each is not None and value is not None:
            memory.n += sign
            memory.total += sign * value
            models = dict(memory.models)
            models[each.query.model] = models.get(each.query.model, 0.0) + sign
            memory.models = tuple(sorted((name, n) for name, n in models.items() if n))


def _features(memory: Memory, query: GenerationQuery, option: Option, at: float) -> Row:
    said = query.said
    return np.array([memory.n, said.length, said.requirements, len(said.words)], dtype=np.float32)


def _answer(
    params: float | None, memory: Memory, query: Any, at: float, rng: np.random.Generator
) -> Expected:
    value = memory.total / memory.n if memory.n else None
    source: Source = "abstained" if value is None else "base_rate"
    return Expected(source=source, n=int(memory.n), reasons=(), value=value)


def _fit(table: Table, rng: np.random.Generator) -> float:
    return float(np.mean(table.y))


def _score(params: float, table: Table) -> Floats:
    return np.full(len(table), params)


def _specimen(outcome: BaseModel) -> Callable[[np.random.Generator], Example[GenerationQuery, Any]]:
    return lambda rng: Example(query=GenerationQuery(), outcome=outcome, asked=1.0, known=2.0)


def _learner(
    name: str,
    outcome: BaseModel,
    scoring: Scoring,
    verdict: Callable[[Verdict], Any] = lambda _: None,
) -> AnyLearner:
    return Learner[GenerationQuery, Any, Memory, float, Expected](
        name=name,
        title=name,
        revision=1,
        query=GenerationQuery,
        outcome=type(outcome),
        memory=Memory,
        advice=Expected,
        columns=("n", "length", "requirements", "words"),
        observe=_observe,
        options=lambda memory, query: (None,),
        features=_features,
        labels=_labels,
        verdict=verdict,
        group=lambda query: query.key,
        evidence=lambda memory: Evidence(int(memory.n), int(memory.n)),
        candidates={"mean": _fit},
        score=_score,
        answer=_answer,
        predicted=lambda advice: {None: advice.value},
        dump=lambda params: repr(params).encode(),
        load=float,
        specimen=_specimen(outcome),
        scoring=scoring,
        texts=("task_description",),
        settings=SETTINGS,
        steps=True,
    )


LEARNERS: list[AnyLearner] = [
    _learner(NAMES[0], ComplexityOutcome(complexity=3), ABSOLUTE_ERROR),
    _learner(NAMES[1], QualityOutcome(quality=7), ABSOLUTE_ERROR),
    _learner(
        NAMES[2],
        SuccessOutcome(action="approve"),
        LOG_LOSS,
        lambda word: SuccessOutcome(action=ACTIONS[word]),
    ),
    _learner(NAMES[3], TimeOutcome(seconds=9), ABSOLUTE_ERROR),
]
