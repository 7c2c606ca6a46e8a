"""Questions, outcomes and answers of the compatibility family, and the catalogue they are about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Annotated, Any, Literal, cast
from unicodedata import normalize

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from learners.errors import InvalidFacts
from learners.learner import Advice
from learners.numerics.words import words
from learners.wording import problems

Verdict = Literal["compatible", "incompatible", "unknown"]
Level = Literal[
    "highly_compatible",
    "compatible",
    "uncertain",
    "incompatible",
    "highly_incompatible",
    "unknown",
]
Pair = tuple[str, str]

WHOLE = "set"  # the option that stands for all components together
AND = " + "  # joins the two names of a pair's option, and is therefore not allowed inside a name
MOST_TESTS = 1_000_000
FEWEST, MOST = 2, 16  # components of a question
SAID = ("success", "neutral", "failure")


def _name(name: str) -> str:
    if AND in name or any(not letter.isprintable() for letter in name):
        raise PydanticCustomError(
            "name", "expected a printable name without '{sign}'", {"sign": AND}
        )
    return normalize("NFC", name)  # one spelling of a letter with its accent


def _whole(text: str) -> str:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise PydanticCustomError("text", "expected text without NUL and half characters")
    return text


def _sized(mixins: Any) -> Any:
    accepted = f"expected a list of {FEWEST} to {MOST} names"
    if isinstance(mixins, str | bytes) or not isinstance(mixins, Sequence):
        raise PydanticCustomError("size", "{accepted}", {"accepted": accepted})
    several: Sequence[Any] = mixins
    if not FEWEST <= len(several) <= MOST:
        known = {"accepted": accepted, "got": len(several)}
        raise PydanticCustomError("size", "{accepted}, got {got}", known)
    return several


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(_name),
]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(_whole)
]


Word = Annotated[str, StringConstraints(max_length=120), AfterValidator(_whole)]
Words = Annotated[tuple[Word, ...], Field(max_length=100)]


class CompatibilityQuery(BaseModel):
    """Can these be combined here?"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixins: tuple[Name, ...] = Field(
        description="what is to be combined; names may be new ones",
        json_schema_extra={"minItems": FEWEST, "maxItems": MOST},
    )
    node_type: str = Field(description="where it is to be combined")
    project: Annotated[str, StringConstraints(max_length=200), AfterValidator(_whole)] = Field(
        default="", description="stable id; a project's own tests count most for it"
    )

    _size = field_validator("mixins", mode="before")(_sized)


class CompatibilityOutcome(BaseModel):
    """What tests of the combination said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: int = Field(default=0, ge=0, le=MOST_TESTS, description="tests that passed")
    failure: int = Field(default=0, ge=0, le=MOST_TESTS, description="tests that failed")
    neutral: int = Field(default=0, ge=0, le=MOST_TESTS, description="tests that said nothing")
    label: bool = Field(default=False, description="judged by a person rather than tested")
    conflict_reason: Text = Field(default="", description="why it failed")
    resolution_pattern: Text = Field(default="", description="what made it work")

    @model_validator(mode="before")
    @classmethod
    def _in_a_word(cls, value: Any) -> Any:
        if isinstance(value, str) and value in SAID:
            return {value: 1}
        if isinstance(value, Mapping | CompatibilityOutcome):
            return cast("Any", value)
        raise PydanticCustomError("outcome", "expected success, neutral or failure, or counts")

    @model_validator(mode="after")
    def _says_something(self) -> "CompatibilityOutcome":
        if self.success + self.failure + self.neutral == 0:
            raise PydanticCustomError("outcome", "give at least one of success, failure, neutral")
        return self


class PairAdvice(BaseModel):
    """What is expected of two of the components."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: str
    b: str
    verdict: Verdict
    probability: float | None = Field(description="that the next test of the pair succeeds")
    level: Level
    n: int = Field(ge=0, description="tests of this pair in this context")
    source: Literal["model", "observed", "base_rate", "rules", "abstained"]


class Compatibility(Advice):
    """What is expected of the combination."""

    verdict: Verdict
    probability: float | None = Field(
        description="that the next test of the whole set succeeds; null where nobody could know"
    )
    level: Level
    pairs: tuple[PairAdvice, ...]
    warnings: tuple[str, ...]
    suggestions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What is known of a component beforehand.

    Attributes:
        flags: The characteristics that hold.
        dependencies: External systems it needs.
        hooks: Lifecycle hooks it takes part in.
        tags: What it is about.
        described: False for one of which only the name is known.
    """

    name: str
    category: str = ""
    flags: frozenset[str] = frozenset()
    dependencies: frozenset[str] = frozenset()
    hooks: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    described: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where components are combined, with the characteristics that hold there."""

    name: str
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Components known beforehand, and what the columns are made of.

    ``columns`` of a learner follow from ``shipped``, ``categories``, ``flags``, ``tags`` and
    ``context_flags``, never from what users add.
    """

    components: Mapping[str, Component] = field(default_factory=dict[str, Component])
    shipped: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    context_flags: tuple[str, ...] = ()
    counted: bool = True  # dependencies and hooks are known
    prefix: str = ""  # that a caller may leave out

    def get(self, name: str) -> Component:
        """Return the component of that name, or one of which only the name is known."""
        return self.components.get(name) or Component(name=name, described=False)

    def resolver(self) -> Callable[[str], str]:
        """Return the function that corrects the spelling of a known name."""
        spellings = {name.casefold(): name for name in self.components}
        prefix = self.prefix.casefold()
        for name in self.components:
            spellings.setdefault(name.casefold().removeprefix(prefix), name)
        return lambda name: (
            name if name in self.components else spellings.get(name.casefold(), name)
        )

    def common_words(self) -> frozenset[str]:
        """Return the words that most names share, and which therefore say nothing."""
        names = [set(words(name)) for name in self.shipped]
        every = set().union(*names)
        most = 0.8 * len(names)
        return frozenset(w for w in every if len(names) >= 4 and sum(w in n for n in names) > most)

    def extended(self, entries: Sequence[Mapping[str, Any]]) -> "Catalogue":
        """Return the catalogue with a user's components; the columns stay as they are.

        Raises:
            InvalidFacts: An entry does not describe a component.
        """
        added = dict(self.components)
        for entry in entries:
            component = _component(entry)
            added[component.name] = component
        return replace(self, components=added)


class Entry(BaseModel):
    """A component as a user describes it."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    category: Word = ""
    async_safe: bool = False
    state_modifying: bool = False
    resource_intensive: bool = False
    flags: Words = Field(default=(), description="further characteristics that hold")
    dependencies: Words = ()
    lifecycle_hooks: Words = ()
    tags: Words = ()


def _component(entry: Mapping[str, Any]) -> Component:
    try:
        it = Entry.model_validate(entry)
    except ValidationError as error:
        raise InvalidFacts(f"not a component: {'; '.join(problems(error))}") from error
    named = ("async_safe", "state_modifying", "resource_intensive")
    return Component(
        name=it.name,
        category=it.category,
        flags=frozenset(it.flags) | {flag for flag in named if getattr(it, flag)},
        dependencies=frozenset(it.dependencies),
        hooks=frozenset(it.lifecycle_hooks),
        tags=frozenset(it.tags),
    )


def query_type(catalogue: Catalogue, contexts: Sequence[Context]) -> type[CompatibilityQuery]:
    """Return the query whose ``node_type`` is one of the contexts and whose names are resolved."""
    allowed = [context.name for context in contexts]
    resolve = catalogue.resolver()

    def known(node_type: str) -> str:
        if node_type not in allowed:
            raise PydanticCustomError(
                "node_type", "expected one of {allowed}", {"allowed": ", ".join(allowed)}
            )
        return node_type

    def resolved(mixins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(resolve(name) for name in mixins)

    fields: dict[str, Any] = {
        "node_type": (
            Annotated[
                str, AfterValidator(known), WithJsonSchema({"type": "string", "enum": allowed})
            ],
            CompatibilityQuery.model_fields["node_type"],
        ),
        "mixins": (
            Annotated[tuple[Name, ...], AfterValidator(resolved)],
            CompatibilityQuery.model_fields["mixins"],
        ),
    }
    return create_model("CompatibilityQuery", __base__=CompatibilityQuery, **fields)


def canonical(mixins: Sequence[str], *, ordered: bool) -> tuple[str, ...]:
    """Return the components in the order in which they are judged (X-32)."""
    return tuple(mixins) if ordered else tuple(sorted(mixins))


def pairs_of(mixins: Sequence[str], *, ordered: bool) -> tuple[Pair, ...]:
    """Return the distinct pairs of a set, each in canonical order."""
    return tuple(dict.fromkeys(combinations(canonical(mixins, ordered=ordered), 2)))


def option_of(pair: Pair) -> str:
    """Return the option that stands for a pair."""
    return f"{pair[0]}{AND}{pair[1]}"


def pair_of(option: str) -> Pair:
    """Return the pair of an option."""
    a, _, b = option.partition(AND)
    return (a, b)


def level_of(probability: float | None) -> Level:
    """Return the band of a calibrated probability of being compatible (000-78)."""
    if probability is None:
        return "unknown"
    if probability > 0.9:
        return "highly_compatible"
    if probability >= 0.7:
        return "compatible"
    if probability >= 0.5:
        return "uncertain"
    return "incompatible" if probability >= 0.3 else "highly_incompatible"


def verdict_of(probability: float | None) -> Verdict:
    """Return the side of one half that a probability is on."""
    if probability is None:
        return "unknown"
    return "compatible" if probability >= 0.5 else "incompatible"
