"""The tool that says beforehand how a generation will turn out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tools.answers import Advised, Part, Source, chance
from tools.arguments import Project, TaskType
from tools.context import Call, Called
from tools.generation import (
    LEARNERS,
    Agent,
    Alike,
    Description,
    Examples,
    Files,
    Framework,
    Guess,
    Key,
    Language,
    Model,
    Quality,
    Similarity,
    Temperature,
    Template,
    Tokens,
    query_of,
)
from tools.route_generation import Of, routed

if TYPE_CHECKING:
    from learners.catalog.generation_success import GenerationQuery
    from learners.serving import Decision

UNITS = {"complexity": " of 10", "seconds": " s", "quality": " of 10"}
UNASKED = "no task_description and no task_key: the task itself cannot be recognised"


class Estimated(Part):
    """A value with the interval in which nine of ten outcomes lie."""

    value: float | None
    low: float | None
    high: float | None
    source: Source
    n: int
    version: int | None
    reasons: tuple[str, ...]

    def line(self, name: str) -> str:
        """Return every fact in one line."""
        unit = UNITS[name]
        if self.value is None:
            said = "unknown"
        elif self.low is None or self.high is None:
            said = f"{self.value:.3g}{unit}, interval unknown"
        else:
            said = f"{self.value:.3g}{unit} [{self.low:.3g}, {self.high:.3g}]"
        version = f" v{self.version}" if self.version is not None else ""
        return f"{name}: {said} ({self.source}{version}, n = {self.n}): {'; '.join(self.reasons)}"


class Adjusted(Part):
    """A setting that past outcomes support."""

    setting: str
    why: str


class Routed(Part):
    """Who could do it for least."""

    by: str
    name: str | None = Field(description="null: cannot be said")
    success: float | None
    usd: float | None
    reason: str


class PredictionAnswer(Advised):
    """Success first; ``source``, ``n`` and ``reasons`` are about it."""

    success: float | None = Field(description="probability of being accepted unmodified")
    risk: Literal["low", "medium", "high", "very_high", "unknown"]
    complexity: float | None = Field(description="0 to 10")
    seconds: float | None
    quality: float | None = Field(description="0 to 10")
    estimates: dict[str, Estimated] = Field(description="of complexity, seconds and quality")
    adjustments: tuple[Adjusted, ...] = Field(description="only what past outcomes support")
    route: Routed

    def words(self) -> str:
        """Return every fact as a few lines."""
        head = f"Success {chance(self.success)}, risk {self.risk}. {self.evidence()}"
        lines = [each.line(name) for name, each in self.estimates.items()]
        offered = [f"Adjust: {each.setting} ({each.why})" for each in self.adjustments]
        who = self.route.name or "nobody"
        routed = f"Route by {self.route.by}: {who}; {self.route.reason}"
        return "\n".join([head, *lines, *offered, routed, *self.remarks()])


async def predict_generation_success(
    call: Called,
    task_description: Description = "",
    task_type: TaskType = "other",
    language: Language = "",
    framework: Framework = "",
    agent: Agent = "",
    model: Model = "",
    template: Template = "",
    task_key: Key = "",
    temperature: Temperature = -1,
    max_tokens: Tokens = -1,
    rag_examples: Examples = -1,
    rag_quality: Quality = -1,
    files: Files = -1,
    complexity_estimate: Guess = -1,
    similar_to: Alike = "",
    similarity: Similarity = -1,
    project: Project = "",
) -> PredictionAnswer:
    """Says before code is written whether it will be accepted unmodified, how complex, long and
    good it will be, with intervals and n, and who does it cheapest. Numbers: -1 is unknown. To
    choose a template, use rank_templates."""  # noqa: D205, D209 - a model reads it
    caller = call.by(project)
    numbers = {
        "temperature": temperature,
        "max_tokens": max_tokens,
        "rag_examples": rag_examples,
        "rag_quality": rag_quality,
        "files": files,
        "estimate": complexity_estimate,
        "similarity": similarity,
    }
    words = {
        "task_description": task_description,
        "task_type": task_type,
        "language": language,
        "framework": framework,
        "agent": agent,
        "model": model,
        "template": template,
        "task_key": task_key,
        "similar_to": similar_to,
    }
    query = query_of(caller, words, numbers)
    said = call.lifecycle.ask_together(list(LEARNERS.values()), query, caller)
    return _answer(call, query, said)


def _answer(call: Call, query: GenerationQuery, said: dict[str, Decision[Any]]) -> PredictionAnswer:
    success = said[LEARNERS["success"]]
    advice = success.advice
    estimates = {
        name: _estimated(said[learner]) for name, learner in LEARNERS.items() if name != "success"
    }
    unasked = () if query.key else (UNASKED,)
    return PredictionAnswer(
        decision_id=success.id,
        version=success.version,
        source=advice.source,
        n=advice.n,
        degraded=call.degraded or any(each.degraded for each in said.values()),
        warnings=(*call.warnings, *unasked),
        reasons=advice.reasons,
        success=advice.probability,
        risk=advice.risk,
        complexity=estimates["complexity"].value,
        seconds=estimates["seconds"].value,
        quality=estimates["quality"].value,
        estimates=estimates,
        adjustments=tuple(Adjusted(**each.model_dump()) for each in advice.adjustments),
        route=_routed(call, query),
    )


def _estimated(said: Decision[Any]) -> Estimated:
    return Estimated(**said.advice.model_dump(), version=said.version)


def _routed(call: Call, query: GenerationQuery) -> Routed:
    by: Of = "model" if query.model and not query.agent else "agent"
    found = routed(call, query, by)
    chosen = found.chosen
    return Routed(
        by=by,
        name=chosen.name if chosen else None,
        success=chosen.probability if chosen else None,
        usd=chosen.usd if chosen else None,
        reason=found.reason,
    )
