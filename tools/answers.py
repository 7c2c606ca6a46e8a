"""What every result carries: a text for people and models, and the same facts as data."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Source = Literal["model", "observed", "base_rate", "rules", "abstained"]
ORIGIN: Mapping[str, str] = {
    "model": "From a trained model",
    "observed": "From what was observed of exactly this",
    "base_rate": "From the rate over all observations",
    "rules": "From rules, too little was told for a probability",
    "abstained": "Abstained, because there is not enough evidence",
}


class Part(BaseModel):
    """Base of what results are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(Part, ABC):
    """A result: its fields are the structured content, ``words`` the text."""

    @abstractmethod
    def words(self) -> str:
        """Return every fact of the result, compactly."""

    def meta(self) -> dict[str, Any]:
        """Return what hooks and transcripts may join on."""
        return {}


class Advised(Answer):
    """An answer under its decision id."""

    decision_id: str = Field(description="give it to record_feedback")
    version: int | None = Field(description="null: no trained version is served")
    source: Source = Field(description="what decided")
    n: int = Field(description="observations behind this answer")
    degraded: bool = Field(description="given without all that is stored")
    warnings: tuple[str, ...]
    reasons: tuple[str, ...] = Field(description="strongest first")

    def meta(self) -> dict[str, Any]:
        """Return the decision id, for hosts that record ``_meta``."""
        return {"foresight/decision_id": self.decision_id}

    def evidence(self) -> str:
        """Return where the answer comes from, in words."""
        version = f" (version {self.version})" if self.version is not None else ""
        return f"{ORIGIN[self.source]}{version}; source {self.source}, n = {self.n}."

    def remarks(self) -> list[str]:
        """Return reasons, warnings and the decision id as lines."""
        lines = listed("Because", self.reasons) + listed("Warning", self.warnings)
        state = " (degraded)" if self.degraded else ""
        return [*lines, f"decision_id {self.decision_id}{state}"]


def listed(label: str, texts: Iterable[str]) -> list[str]:
    """Return one line per text."""
    return [f"{label}: {text}" for text in texts]


def chance(probability: float | None) -> str:
    """Return a probability as people read it."""
    return "unknown" if probability is None else f"{probability:.3f}"
