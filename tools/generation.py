"""What tools about generations share: their arguments, and the question these make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from tools.arguments import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from learners.catalog.generation_success import GenerationQuery
    from learners.serving import Caller

LEARNERS = {
    "success": "generation_success",
    "complexity": "generation_complexity",
    "seconds": "generation_time",
    "quality": "generation_quality",
}
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


def query_of(
    caller: Caller, said: Mapping[str, str], numbers: Mapping[str, float]
) -> GenerationQuery:
    """Return the question that arguments make; a number below zero is unknown.

    Raises:
        InvalidFacts: Naming the field and what was expected.
    """
    from learners.catalog.generation_success import GenerationQuery
    from learners.codec import validated

    asked: dict[str, Any] = {
        **said,
        **{name: None if value < 0 else value for name, value in numbers.items()},
        "project": caller.project,
        "utc_offset": _offset(),
    }
    query: GenerationQuery = validated(GenerationQuery, asked, "query")
    return query


def _offset() -> int:
    """Return by how many minutes this machine's clock is ahead of UTC."""
    from datetime import UTC, datetime

    ahead = datetime.now(UTC).astimezone().utcoffset()
    return round(ahead.total_seconds() / 60) if ahead else 0
