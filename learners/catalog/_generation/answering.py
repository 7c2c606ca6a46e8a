"""From memory and params to an answer: a prediction with its evidence, or none."""

from collections.abc import Callable
from typing import Any

import numpy as np

from learners.catalog._generation import reasons
from learners.catalog._generation.adjusting import adjustments
from learners.catalog._generation.advice import Estimate, Success, risk_of
from learners.catalog._generation.candidates import EVERYTHING
from learners.catalog._generation.features import Features, Met, met, rule_of_thumb
from learners.catalog._generation.ladder import OBSERVED, TOLD, Step, step
from learners.catalog._generation.memory import GenerationMemory
from learners.catalog._generation.params import LEVEL, GenerationParams
from learners.catalog._generation.types import TASK_TYPES, GenerationQuery
from learners.learner import Row, Source
from learners.numerics import robust


class Answering:
    """What both kinds of answers share."""

    def __init__(self, features: Features, more: str, less: str) -> None:
        """Keep what answers are made of, and what a positive contribution means."""
        self.features = features
        self.more, self.less = more, less

    def of_model(
        self, params: GenerationParams, memory: GenerationMemory, query: GenerationQuery, at: float
    ) -> tuple[float, Row, Met, tuple[str, ...]]:
        """Return what the model predicts, for which row, from what, and why."""
        known = met(memory, query, at)
        row = self.features.row(memory, query, known, at)
        value = float(params.predict(row[None, :])[0])
        why = reasons.of_model(params, row, query, known, self.more, self.less)
        return value, row, known, why or ("nothing moved it from the average",)

    def of_memory(
        self, memory: GenerationMemory, query: GenerationQuery, at: float
    ) -> tuple[Step, tuple[str, ...]]:
        """Return what the memory alone says, and why."""
        known = met(memory, query, at)
        found = step(memory, self.features, known, at)
        if found.value is None:
            told = known.cells["all"].n if "all" in known.cells else 0
            return found, (
                f"{TOLD} outcomes are needed, or {OBSERVED} of one agent, task or project; "
                f"{told} are known",
            )
        if found.level:
            return found, (reasons.of_level(found.level, query, known),)
        return found, (f"{found.n} outcomes of all kinds; fewer than {OBSERVED} of anything here",)


class SuccessAnswering(Answering):
    """Answers whether a generation will be accepted unmodified."""

    def __call__(
        self,
        params: GenerationParams | None,
        memory: GenerationMemory,
        query: GenerationQuery,
        at: float,
        rng: np.random.Generator,
    ) -> Success:
        """Return the advice for a query; nothing is drawn."""
        del rng
        if params is None:
            found, why = self.of_memory(memory, query, at)
            p, source, n = found.value, found.source, found.n
        else:
            p, _, known, why = self.of_model(params, memory, query, at)
            source, n = "model", evidence(known)
        return Success(
            source=source,
            n=n,
            reasons=why,
            probability=p,
            risk=risk_of(p),
            adjustments=adjustments(memory, query, at, p),
        )


class EstimateAnswering(Answering):
    """Answers with a value and its interval.

    Attributes:
        natural: From label to the unit of the answer.
        guess: The rule of thumb in words, where there is one.
    """

    def __init__(
        self,
        features: Features,
        more: str,
        less: str,
        natural: Callable[[float], float],
        guess: str = "",
    ) -> None:
        """Keep what answers are made of."""
        super().__init__(features, more, less)
        self.natural = natural
        self.guess = guess

    def __call__(
        self,
        params: GenerationParams | None,
        memory: GenerationMemory,
        query: GenerationQuery,
        at: float,
        rng: np.random.Generator,
    ) -> Estimate:
        """Return the advice for a query; nothing is drawn."""
        del rng
        source: Source
        if params is None:
            found, why = self.of_memory(memory, query, at)
            value, source, n = found.value, found.source, found.n
            low, high = found.low, found.high
        else:
            value, row, known, why = self.of_model(params, memory, query, at)
            source, n = "model", evidence(known)
            low, high = (value + end for end in limits(params, row, self.features))
        if value is None:
            why = (*why, self.guess.format(rule_of_thumb(query))) if self.guess else why
            return Estimate(source=source, n=n, reasons=why, value=None)
        return Estimate(
            source=source,
            n=n,
            reasons=why,
            value=self._natural(value),
            low=self._natural(low),
            high=self._natural(high),
        )

    def _natural(self, value: float) -> Any:
        return self.natural(self.features.unit.back(value)) if np.isfinite(value) else None


def evidence(known: Met) -> int:
    """Return the outcomes behind a model's answer: those that share more than their kind.

    Of this task, this agent, model, template or project, whichever was told of most often.
    """
    shared = ("task", "agent", "model", "template", "project")
    return max((known.cells[level].n for level in shared if level in known.cells), default=0)


def limits(params: GenerationParams, row: Row, features: Features) -> tuple[float, float]:
    """Return by how much outcomes may lie below and above, on the scale of effects."""
    return robust.limits(params.residuals[bucket_of(params, row)], LEVEL)


def bucket_of(params: GenerationParams, row: Row) -> str:
    """Return whose residuals tell the limits of a row: its kind's, where there are enough."""
    own = (name for i, name in enumerate(TASK_TYPES) if row[i] > 0 and name in params.residuals)
    return next(own, EVERYTHING)
