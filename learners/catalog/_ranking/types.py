"""Questions, outcomes and answers of the ranking family, and the templates they are about."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from learners.catalog._ranking.stems import distinct, stems
from learners.errors import InvalidFacts
from learners.learner import Choice, Source
from learners.wording import problems

TaskType = Literal[
    "backend",
    "frontend",
    "database",
    "testing",
    "documentation",
    "devops",
    "refactoring",
    "implementation",
    "other",
]
TASK_TYPES: tuple[TaskType, ...] = get_args(TaskType)
Result = Literal["success", "neutral", "failure"]
RESULTS: tuple[Result, ...] = get_args(Result)

LONGEST = 20_000  # characters of a text
MOST_STEMS = 256  # of a task that are compared
MOST_CANDIDATES = 1000
MOST_SHOWN = 100
UNKNOWN: TaskType = "other"


def _whole(text: str) -> str:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise PydanticCustomError("text", "expected text without NUL and half characters")
    return text


def _printable(name: str) -> str:
    if not name.isprintable():
        raise PydanticCustomError("name", "expected a printable name")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(_printable),
]
Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=60),
    AfterValidator(_whole),
]
Tags = Annotated[tuple[Word, ...], Field(max_length=20)]
Identity = Annotated[str, StringConstraints(max_length=200), AfterValidator(_whole)]
Text = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_whole)]
Stem = Annotated[int, Field(ge=0, lt=2**32)]


class Template(BaseModel):
    """A template as somebody describes it; its text is kept as stems only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    text: Text = Field(default="", description="title and description; kept as stems only")
    task_type: TaskType = Field(default=UNKNOWN, description="other: for none in particular")
    language: Word = ""
    framework: Word = ""
    tags: Tags = ()
    complexity: float | None = Field(default=None, ge=0, le=10, description="0 to 10")
    retired: bool = Field(default=False, description="proposed only where it is named")
    stems: Annotated[tuple[Stem, ...], Field(max_length=LONGEST)] = Field(
        default=(), description="made of the text; leave it out"
    )

    @model_validator(mode="before")
    @classmethod
    def _stemmed(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            given = cast("Mapping[str, Any]", value)
            text = given.get("text")
            if isinstance(text, str) and len(text) <= LONGEST and text == _sound(text):
                return {**given, "text": "", "stems": given.get("stems") or stems(text)}
        return value


def _sound(text: str) -> str:
    """Return a text as far as it may be kept; what may not is left to its field to refuse."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


class RankingQuery(BaseModel):
    """Which of these templates serves this task best?"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_description: Text = Field(default="", description="what is to be done, in words")
    task_type: TaskType = UNKNOWN
    language: Word = ""
    framework: Word = ""
    tags: Tags = ()
    candidates: Annotated[tuple[Name | Template, ...], Field(max_length=MOST_CANDIDATES)] = Field(
        default=(), description="names, or templates that no catalogue has; empty: all known ones"
    )
    k: int = Field(default=5, ge=1, le=50, description="how many are returned")
    project: Identity = ""
    user: Identity = ""
    stems: Annotated[tuple[Stem, ...], Field(max_length=MOST_STEMS)] = Field(
        default=(), description="made of the description; leave it out"
    )

    @model_validator(mode="before")
    @classmethod
    def _stemmed(cls, value: Any) -> Any:
        """Keep what is compared, so that the text itself may go."""
        if isinstance(value, Mapping):
            given = cast("Mapping[str, Any]", value)
            text = given.get("task_description")
            if isinstance(text, str) and not given.get("stems"):
                return {**given, "stems": distinct(text, MOST_STEMS)}
        return value


class RankingOutcome(BaseModel):
    """Which template was really used, from which list, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    result: Result = Field(
        description="success: its result was accepted as it was; neutral: after changes"
    )
    template: Annotated[str, StringConstraints(max_length=120), AfterValidator(_printable)] = Field(
        default="", description="the one that was really used"
    )
    shown: Annotated[tuple[Name, ...], Field(max_length=MOST_SHOWN)] = Field(
        default=(), description="the list it was chosen from, in order; empty: unknown"
    )
    quality: float | None = Field(default=None, ge=0, le=10, description="of the result, 0 to 10")
    seconds: float | None = Field(default=None, ge=0, le=1e7, description="that it took")

    @model_validator(mode="before")
    @classmethod
    def _in_a_word(cls, value: Any) -> Any:
        if isinstance(value, str) and value in RESULTS:
            return {"result": value}
        if isinstance(value, Mapping | RankingOutcome):
            return cast("Any", value)
        raise PydanticCustomError("outcome", "expected success, neutral or failure, or an object")


class Ranked(BaseModel):
    """One template, as it was ranked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    score: float = Field(description="what it is ranked by, higher first; not a probability")
    probability: float | None = Field(
        description="that, once seen, it is taken and its result accepted as it is"
    )
    n: int = Field(ge=0, description="times it was used, or seen and passed over")
    source: Source
    reasons: tuple[str, ...]


class Ranking(Choice):
    """Templates for a task, best first."""

    templates: tuple[Ranked, ...]
    candidates: int = Field(ge=0, description="how many were compared")
    warnings: tuple[str, ...]


def template(entry: Mapping[str, Any]) -> Template:
    """Return an entry of the catalogue as a template.

    Raises:
        InvalidFacts: It does not describe one; the text names the field.
    """
    try:
        return Template.model_validate(entry)
    except ValidationError as error:
        raise InvalidFacts(f"not a template: {'; '.join(problems(error))}") from error


def named(candidates: Sequence[Name | Template]) -> tuple[str, ...]:
    """Return the names of candidates, each once."""
    return tuple(dict.fromkeys(c if isinstance(c, str) else c.name for c in candidates))
