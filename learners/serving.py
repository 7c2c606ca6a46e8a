"""What a process holds of one learner: its memory, what it serves, and how it answers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any, Generic, TypeVar

import numpy as np

from learners.learner import Advice, AnyLearner, Choice, Option
from learners.replay import Fold, start
from storage.rows import DecisionRow

A = TypeVar("A", bound=Advice)

SILENT = ("off", "shadow")  # modes in which no version is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks or tells: from the host's environment or the request, unless given."""

    project: str = ""
    user: str = ""
    session: str = ""
    tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[A]):
    """An answer under its id."""

    id: str
    version: int | None
    advice: A
    predicted: Mapping[Option, float | None]
    degraded: bool
    row: DecisionRow


@dataclass(slots=True)
class Live:
    """One learner in this process. The memory has this one owner."""

    base: AnyLearner
    learner: AnyLearner = field(init=False)  # the base with the user's catalogue entries
    fold: Fold = field(init=False)
    added: tuple[Mapping[str, Any], ...] = ()  # what the user put into the catalogue
    version: int | None = None
    params: Any = None
    models: bool = True  # False: serve what is observed and the rules, whatever was promoted
    mode: str = "advisor"
    epoch: int = 1
    erasure: int = 0  # the last one that this memory knows of
    skipped: int = 0  # rows of the log that this revision cannot read
    refused: str = ""  # why the incumbent's params are not served
    rng: np.random.Generator = field(default_factory=np.random.default_rng)  # dear to make per ask

    def __post_init__(self) -> None:
        """Begin with an empty memory."""
        self.learner = self.base
        self.fold = start(self.base)

    def extend(self, entries: tuple[Mapping[str, Any], ...]) -> None:
        """Take up what the user has added to the catalogue; columns and memory stay as they are."""
        if self.base.extend is not None:
            extended = self.base.extend(entries)
            self.learner = replace(extended, gate=self.base.gate, retrain=self.base.retrain)
            self.fold.learner, self.added = self.learner, entries

    def renew(self, fold: Fold, epoch: int, erasure: int) -> None:
        """Go on with a memory of what is left after an erasure."""
        self.fold, self.epoch, self.erasure = fold, epoch, erasure
        fold.learner = self.learner

    @property
    def served(self) -> tuple[int | None, Any]:
        """Return the version and params that answers may show."""
        shown = self.models and self.mode not in SILENT
        return (self.version, self.params) if shown else (None, None)

    def ask(
        self, query: Any, caller: Caller, at: float, *, degraded: bool, name: str = ""
    ) -> Decision[Any]:
        """Answer from memory and params, under an id that may be another one's; no I/O."""
        version, params = self.served
        memory = self.fold.memory
        advice = self.learner.answer(params, memory, query, at, self.rng)
        said, bounds = self.learner.predicted(advice), self.learner.bounds(advice)
        # of many options only those of which something was said
        predicted = [
            [option, said[option], *bounds.get(option, ())]
            for option in self.learner.options(memory, query)
            if option in said
        ]
        return self.decision(
            name or str(uuid.uuid4()),
            query.model_dump(mode="json"),
            advice,
            predicted,
            version,
            caller,
            at,
            degraded,
        )

    def decision(
        self,
        name: str,
        query: dict[str, Any] | None,
        advice: Any,
        predicted: list[list[Any]],
        version: int | None,
        caller: Caller,
        at: float,
        degraded: bool,
    ) -> Decision[Any]:
        """Return an answer as a decision to be logged."""
        chosen = advice if isinstance(advice, Choice) else None
        row = DecisionRow(
            id=name,
            learner=self.learner.name,
            query=query,
            answer=advice.model_dump(mode="json"),
            predicted=predicted,
            version=version,
            source=advice.source,
            memory_seq=self.fold.seq,
            asked=at,
            mode=self.mode,
            option=chosen.option if chosen else None,
            propensity=chosen.propensity if chosen else None,
            degraded=degraded,
            project=caller.project,
            user_id=caller.user,
            session=caller.session,
            tool_use_id=caller.tool_use_id,
            erasure=self.erasure,
        )
        said = {option: value for option, value, *_ in predicted}
        return Decision(
            id=name, version=version, advice=advice, predicted=said, degraded=degraded, row=row
        )


def ordered(learners: Mapping[str, AnyLearner]) -> list[str]:
    """Return names so that whoever's advice is an input comes before whom it is an input for."""
    sorter = TopologicalSorter[str]()
    for name, learner in learners.items():
        sorter.add(name, *(each for each in learner.upstream.values() if each in learners))
    return list(sorter.static_order())
