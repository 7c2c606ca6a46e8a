"""The factories: one learner of success, and learners of values over the same questions."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from learners.catalog._generation import params as fitted
from learners.catalog._generation.advice import Estimate, Success
from learners.catalog._generation.answering import EstimateAnswering, SuccessAnswering, bucket_of
from learners.catalog._generation.candidates import BESIDE_WEIGHT, DIGEST, candidates
from learners.catalog._generation.features import COLUMNS, NEW, Features
from learners.catalog._generation.fold import Fold, Unit, task_of, telling
from learners.catalog._generation.memory import GenerationMemory
from learners.catalog._generation.params import LEVEL, GenerationParams
from learners.catalog._generation.patterns import findings
from learners.catalog._generation.types import TASK_TYPES, GenerationQuery, SuccessOutcome
from learners.errors import Damaged
from learners.learner import (
    Evidence,
    Example,
    Floats,
    Gate,
    Label,
    Learner,
    Option,
    Retrain,
    Table,
)
from learners.numerics import robust
from learners.numerics.scoring import LOG_LOSS, Scoring

Verdict: TypeAlias = Literal["success", "neutral", "failure"]
SuccessLearner: TypeAlias = Learner[
    GenerationQuery, SuccessOutcome, GenerationMemory, GenerationParams, Success
]
EstimateLearner: TypeAlias = Learner[
    GenerationQuery, Any, GenerationMemory, GenerationParams, Estimate
]

REVISION = 1
DISTRIBUTED = {"task_type": "type", "language": "language", "agent": "agent", "model": "model"}
MOST_FREQUENT = 20  # of each kind
SETTINGS = ("agent", "model", "template", "temperature", "max_tokens", "rag_examples")
TEXTS = ("task_description",)
ACTIONS: Mapping[Verdict, Literal["approve", "modify", "reject"]] = {
    "success": "approve",
    "neutral": "modify",
    "failure": "reject",
}
RETRAIN = Retrain(
    outcomes=50,  # 002-69
    minimum_outcomes=100,  # 002-77
    minimum_distinct=20,
    nightly=2,  # 002-79
    window=10_000,  # 002-77
    things="different tasks",
)
FLOORS = {"accuracy": 0.75, "auc": 0.80}  # 002-80
ONES = Unit(of=float, back=float)


def success_learner(name: str, title: str) -> SuccessLearner:
    """Return the learner of whether a generation is accepted unmodified."""
    features = Features(ONES)
    return Learner(
        name=name,
        title=title,
        revision=REVISION,
        query=GenerationQuery,
        outcome=SuccessOutcome,
        memory=GenerationMemory,
        advice=Success,
        columns=COLUMNS,
        observe=Fold(lambda outcome: float(outcome.action == "approve"), ONES),
        options=lambda memory, query: (None,),
        features=features,
        labels=lambda query, outcome: labelled(query, float(outcome.action == "approve")),
        verdict=lambda said: SuccessOutcome(action=ACTIONS[said]),
        group=group_of,
        evidence=evidence_of,
        candidates=candidates(LOG_LOSS, ONES),
        score=lambda params, table: params.predict(_checked(table)),
        answer=SuccessAnswering(features, "more likely", "less likely"),
        predicted=lambda advice: {None: advice.probability},
        dump=fitted.dump,
        load=lambda data: fitted.load(data, DIGEST, len(COLUMNS)),
        specimen=_success_specimen,
        scoring=LOG_LOSS,
        importance=lambda params: params.importance,
        distribution=distribution_of,
        findings=findings,
        information=telling,
        gate=Gate(floors=FLOORS),
        retrain=RETRAIN,
        texts=TEXTS,
        settings=SETTINGS,
        steps=True,
    )


def estimate_learner(
    name: str,
    title: str,
    *,
    outcome: type[Any],
    label: Callable[[Any], float | None],
    unit: Unit,
    scoring: Scoring,
    answering: EstimateAnswering,
    label_of: Callable[[float], float],
    specimen: Callable[[float], Any],
    cost: Callable[[Any], float | None] = lambda _: None,
    upstream: Mapping[str, str] | None = None,
) -> EstimateLearner:
    """Return a learner of a value.

    Args:
        label: Of an outcome, in the unit of the loss; None where it says nothing.
        label_of: From the unit of the answer to that of the loss.
        specimen: An outcome of a label.
        cost: Of an outcome in USD.
    """

    def score(params: GenerationParams, table: Table) -> Floats:
        said = params.predict(_checked(table))
        return np.array([unit.back(value) for value in said.tolist()], dtype=np.float64)

    def interval(params: GenerationParams, table: Table) -> tuple[Floats, Floats]:
        said = params.predict(_checked(table)).tolist()
        ends = [robust.limits(params.residuals[bucket_of(params, row)], LEVEL) for row in table.x]
        both = np.array(
            [[back(at + low), back(at + high)] for at, (low, high) in zip(said, ends, strict=True)]
        )
        return both[:, 0], both[:, 1]

    def back(value: float) -> float:
        return unit.back(value) if np.isfinite(value) else value

    def labels(query: GenerationQuery, told: Any) -> tuple[Label, ...]:
        value = label(told)
        return () if value is None else labelled(query, value)

    def bounds(advice: Estimate) -> Mapping[Option, tuple[float, float]]:
        if advice.low is None or advice.high is None:
            return {}
        return {None: (label_of(advice.low), label_of(advice.high))}

    return Learner(
        name=name,
        title=title,
        revision=REVISION,
        query=GenerationQuery,
        outcome=outcome,
        memory=GenerationMemory,
        advice=Estimate,
        columns=COLUMNS,
        observe=Fold(label, unit, cost),
        options=lambda memory, query: (None,),
        features=answering.features,
        labels=labels,
        verdict=lambda said: None,
        group=group_of,
        evidence=evidence_of,
        candidates=candidates(scoring, unit),
        score=score,
        answer=answering,
        predicted=lambda it: {None: None if it.value is None else label_of(it.value)},
        bounds=bounds,
        interval=interval,
        dump=fitted.dump,
        load=lambda data: fitted.load(data, DIGEST, len(COLUMNS)),
        specimen=lambda rng: _specimen(rng, lambda q, luck: specimen(_value(q, luck))),
        scoring=scoring,
        importance=lambda params: params.importance,
        distribution=distribution_of,
        retrain=RETRAIN,
        upstream=upstream or {},
        texts=TEXTS,
        settings=SETTINGS,
        steps=True,
    )


def labelled(query: GenerationQuery, y: float) -> tuple[Label, ...]:
    """Return the labels of an outcome: of the question, and of it as if its task were new."""
    beside = (Label(NEW, y, BESIDE_WEIGHT),) if task_of(query) else ()
    return (Label(None, y, 1.0), *beside)


def group_of(query: GenerationQuery) -> str:
    """Return what shares its luck: the task; where it has no name and no words, who did what."""
    return task_of(query) or "|".join(
        (query.project, query.agent, query.model, query.task_type, query.language)
    )


def evidence_of(memory: GenerationMemory) -> Evidence:
    """Return how many outcomes were told, and of how many tasks."""
    return Evidence(memory.outcomes, len(memory.cells["task"]))


def distribution_of(memory: GenerationMemory) -> Mapping[str, Mapping[str, int]]:
    """Return what outcomes were about, by kind; and of what class they were (002-90)."""
    found = {name: memory.cells[level] for name, level in DISTRIBUTED.items()}
    counts = {name: {key: cell.n for key, cell in cells.items()} for name, cells in found.items()}
    counts["action"] = memory.actions
    return {
        name: dict(sorted(each.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_FREQUENT])
        for name, each in counts.items()
    }


def _checked(table: Table) -> Any:
    if table.x.shape[1] != len(COLUMNS):
        raise Damaged(f"rows have {table.x.shape[1]} columns, this program {len(COLUMNS)}")
    return table.x


def _success_specimen(rng: np.random.Generator) -> Example[GenerationQuery, SuccessOutcome]:
    def outcome(query: GenerationQuery, luck: float) -> SuccessOutcome:
        good = _value(query, luck) < 4.2
        return SuccessOutcome(action="approve" if good else "modify" if luck < 0 else "reject")

    return _specimen(rng, outcome)


def _value(query: GenerationQuery, luck: float) -> float:
    """Return a simple truth: some agents and kinds of task do better than others."""
    kind = TASK_TYPES.index(query.task_type)
    return max(0.0, min(10.0, 3.0 + len(query.agent) % 3 + 0.2 * kind + luck))


def _specimen(
    rng: np.random.Generator, outcome: Callable[[GenerationQuery, float], Any]
) -> Example[GenerationQuery, Any]:
    number = int(rng.integers(60))
    query = GenerationQuery(
        task_description=f"Add the {number}th endpoint to the {number % 7} service; it must work",
        task_type=str(rng.choice(TASK_TYPES)),  # type: ignore[arg-type]  # one of the listed
        language=str(rng.choice(["python", "go", ""])),
        agent=str(rng.choice(["a", "bb", "ccc", ""])),
        model=str(rng.choice(["one", "other"])),
        project=str(rng.choice(["", "p", "q"])),
        temperature=float(rng.uniform(0, 1)),
        rag_examples=int(rng.integers(0, 3)),
    )
    asked = float(rng.uniform(1.7e9, 1.75e9))
    return Example(
        query=query,
        outcome=outcome(query, float(rng.normal(0, 1))),
        asked=asked,
        known=asked + float(rng.uniform(1, 3600)),
    )
