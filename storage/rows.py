"""What is written to the log: plain rows, their times in seconds since 1970."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """An ask and its answer. ``id`` is a UUID; ``query`` is None where the outcome must say it.

    ``erasure`` is the last one that its process knew of: what later ones cover is not written.
    """

    id: str
    learner: str
    query: Json | None
    answer: Json
    predicted: list[list[Any]]
    version: int | None
    source: str
    memory_seq: int
    asked: float
    mode: str = "advisor"
    arm: str = "incumbent"
    option: str | None = None
    propensity: float | None = None
    degraded: bool = False
    project: str = ""
    user_id: str = ""
    session: str = ""
    tool_use_id: str = ""
    erasure: int = 0

    def record(self) -> dict[str, Any]:
        """Return the row as JSON; nothing in it is copied."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An outcome to be stored. Learner ``*`` waits for its decision; ``corrects`` names a key.

    ``erasure`` is the last one that its process knew of: what later ones cover is not written.
    ``adds``: what it leaves out stays as the outcome said that it replaces. ``used``: what was
    really used in place of what was asked, from this word on the decision on.
    """

    learner: str
    key: str
    outcome: Json
    known: float
    query: Json | None = None
    decision_id: str | None = None
    source: str = "caller"
    strength: float = 1.0
    option: str | None = None
    joined: bool = False
    corrects: str = ""
    followed: bool | None = None
    notes: str = ""
    sample_group: str = ""
    propensity: float | None = None
    memory_seq: int | None = None
    asked: float | None = None
    project: str = ""
    user_id: str = ""
    session: str = ""
    erasure: int = 0
    adds: bool = False
    used: Json | None = None

    def record(self) -> dict[str, Any]:
        """Return the row as JSON; nothing in it is copied."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def about_project(self) -> str | None:
        """The project that the question itself names, or the facts that wait for theirs."""
        named = self.outcome.get("facts") if self.learner == "*" else self.query
        return (named or {}).get("project")


Effect = Literal[
    "fact",  # folded, of its own
    "join",  # folded, with its decision
    "correction",  # folded, in place of an earlier one
    "waiting",  # stored until its decision lands
    "weaker",  # stored beside an outcome from a stronger source
    "duplicate",  # the key was there already, saying the same
    "superseded",  # likewise, and it has been corrected since
    "conflict",  # the key was there already, saying something else: not stored
    "nothing",  # it corrects a key that is not there: not stored
    "forgotten",  # what it is about was forgotten meanwhile: not stored
]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an outcome, and its number in the log where it has one."""

    effect: Effect
    seq: int | None
