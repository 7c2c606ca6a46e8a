"""The tool that says beforehand how a generation will turn out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tools.answers import Advised, Part, Source, chance
from tools.arguments import Project, TaskType, plain
from tools.context import Call, Called

if TYPE_CHECKING:
    from learners.catalog.generation_success import GenerationQuery
    from learners.serving import Decision

Description = Annotated[
    str, Field(max_length=20_000, description="the task in words"), AfterValidator(plain)
]

Language = Annotated[str, Field(max_length=200, description="e.g. python"), AfterValidator(plain)]
Framework = Annotated[str, Field(max_length=200, description="e.g. fastapi"), AfterValidator(plain)]
Agent = Annotated[str, Field(max_length=200, description="who does it"), AfterValidator(plain)]
Model = Annotated[str, Field(max_length=200, description="language model"), AfterValidator(plain)]
Template = Annotated[str, Field(max_length=200, description="its name"), AfterValidator(plain)]
Key = Annotated[str, Field(max_length=200, description="stable id"), AfterValidator(plain)]
Alike = Annotated[
    str, Field(max_length=200, description="task_key of a similar task"), AfterValidator(plain)
]
Temperature = Annotated[float, Field(ge=-1, le=5, description="of sampling")]
Tokens = Annotated[int, Field(ge=-1, le=1_000_000_000, description="limit")]
Examples = Annotated[int, Field(ge=-1, le=1_000_000, description="retrieved")]
Quality = Annotated[float, Field(ge=-1, le=10, description="0 to 10")]
Files = Annotated[int, Field(ge=-1, le=1_000_000, description="expected")]
Guess = Annotated[float, Field(ge=-1, le=10, description="yours, 0 to 10")]
Similarity = Annotated[float, Field(ge=-1, le=1, description="up to 1")]
LEARNERS = {
    "success": "generation_success",
    "complexity": "generation_complexity",
    "seconds": "generation_time",
    "quality": "generation_quality",
}
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
    # here, so that the first reply does not wait for the learners
    from learners.catalog.generation_success import GenerationQuery
    from learners.codec import validated

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
    asked = {
        "task_description": task_description,
        "task_type": task_type,
        "language": language,
        "framework": framework,
        "agent": agent,
        "model": model,
        "template": template,
        "task_key": task_key,
        "similar_to": similar_to,
        "project": caller.project,
        "utc_offset": _offset(),
        **{name: None if value < 0 else value for name, value in numbers.items()},
    }
    query: GenerationQuery = validated(GenerationQuery, asked, "query")
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
    from learners.catalog.generation_success import By, routing

    live, costs = (call.lifecycle.live(LEARNERS[name]) for name in ("success", "seconds"))
    by: By = "model" if query.model and not query.agent else "agent"
    found = routing(
        (live.served[1], live.fold.memory), costs.fold.memory, query, call.lifecycle.now(), by
    )
    chosen = found.chosen
    return Routed(
        by=by,
        name=chosen.name if chosen else None,
        success=chosen.probability if chosen else None,
        usd=chosen.usd if chosen else None,
        reason=found.reason,
    )


def _offset() -> int:
    """Return by how many minutes this machine's clock is ahead of UTC."""
    from datetime import UTC, datetime

    ahead = datetime.now(UTC).astimezone().utcoffset()
    return round(ahead.total_seconds() / 60) if ahead else 0
