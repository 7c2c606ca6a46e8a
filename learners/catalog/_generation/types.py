"""Questions and outcomes of the generation family: a task, who is to do it, and how."""

import json
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from learners.catalog._generation.text import TaskText, described

TASK_TYPES = (
    "backend", "frontend", "database", "testing", "documentation", "devops", "refactoring",
    "implementation", "other",
)  # fmt: skip
LONGEST = 20_000  # characters of a description
LONGEST_CODE = 200_000
LONGEST_METADATA = 4_000  # characters of JSON


def _whole(text: str) -> str:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise PydanticCustomError("text", "expected text without NUL and half characters")
    return text


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_whole)
]
Lower = Annotated[Name, BeforeValidator(_lower)]
Text = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_whole)]
TaskType = Annotated[
    Literal[
        "backend", "frontend", "database", "testing", "documentation", "devops", "refactoring",
        "implementation", "other",
    ],
    BeforeValidator(_lower),
]  # fmt: skip
Score = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Action = Literal["approve", "modify", "reject"]


class Part(BaseModel):
    """Base of what questions and outcomes are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GenerationQuery(Part):
    """Will this generation succeed, how complex is it, how long will it take, how good will it be?

    ``text`` is taken from ``task_description`` unless it is given: features read only ``text``.
    """

    task_description: Text = Field(default="", description="what is to be generated, in words")
    task_type: TaskType = "other"
    language: Lower = ""
    framework: Lower = ""
    agent: Name = Field(default="", description="who is to do it")
    model: Name = Field(default="", description="language model that is used")
    template: Name = Field(default="", description="template that is used")
    temperature: Annotated[float, Field(ge=0, le=5)] | None = None
    max_tokens: Count | None = None
    task_key: Name = Field(default="", description="stable id of the task, where there is one")
    project: Name = ""
    rag_examples: Count | None = Field(default=None, description="examples retrieved for the task")
    rag_quality: Score | None = Field(default=None, description="their mean quality, 0 to 10")
    rag_similarity: Share | None = Field(default=None, description="their mean similarity")
    files: Count | None = Field(default=None, description="files to be generated")
    lines: Count | None = Field(default=None, description="lines expected")
    dependencies: Count | None = None
    queue: Count | None = Field(default=None, description="generations that wait")
    load: Amount | None = Field(default=None, description="load of the system per core")
    estimate: Amount | None = Field(
        default=None, description="complexity as a person or the caller estimates it"
    )
    similar_to: Name = Field(default="", description="task_key of a task like this one")
    similarity: Share | None = Field(default=None, description="how like it is, 1: the same")
    utc_offset: Annotated[int, Field(ge=-1440, le=1440)] = Field(
        default=0, description="minutes that the user's clock is ahead of UTC", repr=False
    )
    expected_success: Share | None = Field(default=None, description="of generation_success")
    expected_complexity: Amount | None = Field(default=None, description="of generation_complexity")
    text: TaskText | None = None

    @model_validator(mode="before")
    @classmethod
    def _take(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("text") is None:
            said = value.get("task_description")
            if isinstance(said, str) and len(said) <= LONGEST:
                return {**value, "text": described(said)}
        return value

    @property
    def said(self) -> TaskText:
        """Return the description in numbers."""
        return self.text or TaskText()

    @property
    def key(self) -> str:
        """Return what recognises the task: its own key, else all its words."""
        if self.task_key:
            return self.task_key
        return f"text:{self.said.fingerprint}" if self.said.fingerprint else ""


def _short(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > LONGEST_METADATA:
        longest = {"longest": LONGEST_METADATA}
        raise PydanticCustomError("size", "expected at most {longest} characters of JSON", longest)
    return value


class SuccessOutcome(Part):
    """What a person, a test or an agent did with the generation (002-55, -57)."""

    action: Action = Field(description="approve: unmodified; modify: after changes; reject")
    regenerations: Count = Field(default=0, description="times it was generated anew")
    modifications: Text = Field(default="", description="changes that were asked for")
    adjustments: tuple[Name, ...] = Field(
        default=(), max_length=10, description="suggested adjustments that were used"
    )


class TimeOutcome(Part):
    """What the generation took (002-56)."""

    seconds: Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)] | None = None
    tokens: Count | None = None
    cost_usd: Amount | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(_short)] = Field(
        default_factory=dict[str, Any], description="what else is to be kept of the run; no label"
    )

    @model_validator(mode="after")
    def _says_something(self) -> "TimeOutcome":
        told = (self.seconds, self.tokens, self.cost_usd, self.metadata or None)
        if all(each is None for each in told):
            raise PydanticCustomError("outcome", "give one of seconds, tokens, cost_usd, metadata")
        return self


class Measured(Part):
    """What the generated code measured (002-53); the code itself is not kept."""

    lines_of_code: Count = 0
    cyclomatic_complexity: Count = 1
    max_complexity: Count = 1
    num_functions: Count = 0
    num_classes: Count = 0
    num_tests: Count = 0
    type_hint_coverage: Share | None = None
    docstring_coverage: Share | None = None
    has_type_hints: bool | None = None
    has_docstrings: bool | None = None
    has_tests: bool | None = None
    language: Name = ""
    file_path: Name = ""
    parsed: bool = True


class ComplexityOutcome(Part):
    """How complex the task was: as it was judged, or as the code measures (002-27, -53)."""

    complexity: Amount | None = Field(default=None, description="as judged afterwards")
    measured: Measured | None = Field(default=None, description="of the generated code")
    generated_code: Annotated[
        str, StringConstraints(max_length=LONGEST_CODE), AfterValidator(_whole)
    ] = Field(default="", description="kept only where it was opted for")

    @model_validator(mode="after")
    def _says_something(self) -> "ComplexityOutcome":
        if self.complexity is None and self.measured is None:
            raise PydanticCustomError("outcome", "give complexity, or code to be measured")
        return self


class QualityOutcome(Part):
    """How good the result was (002-54, -55); a self review is stored, but is no label."""

    quality: Score | None = Field(default=None, description="0 to 10, by whoever judged it")
    self_review: Score | None = Field(default=None, description="0 to 10, by the agent itself")
    self_review_feedback: Text = ""

    @model_validator(mode="after")
    def _says_something(self) -> "QualityOutcome":
        if self.quality is None and self.self_review is None:
            raise PydanticCustomError("outcome", "give quality or self_review")
        return self
