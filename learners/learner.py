"""The contract: a learner is a value.

A learner is a frozen record of types, pure functions and declared policies. It never sees the
database, the clock or the event loop; one lifecycle does all of that for all learners, and one
conformance suite runs every promise below against every learner of the catalog.

What must hold:

* ``observe`` folds events in sequence; its state after a log depends on nothing but the log.
* ``features`` is the only feature code there is: training rows and serving rows come from it.
* ``answer`` shows the probability that ``score`` computes for the same row.
* ``dump`` and ``load`` are inverse to each other, data only, and never execute what they read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from learners.numerics.scoring import Scoring

Q = TypeVar("Q", bound=BaseModel)
O = TypeVar("O", bound=BaseModel)  # noqa: E741  the outcome; Q, O, M, P, A are the five types
M = TypeVar("M")
P = TypeVar("P")
A = TypeVar("A", bound="Advice")

Option: TypeAlias = str | None
Row: TypeAlias = NDArray[np.float32]
Floats: TypeAlias = NDArray[np.float64]

Source = Literal["model", "observed", "base_rate", "rules", "abstained"]
Verdict = Literal["success", "neutral", "failure"]


class Advice(BaseModel):
    """What every answer carries, whatever it is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source = Field(description="what decided: see the README, 'Where an answer comes from'")
    n: int = Field(description="observations behind this answer", ge=0)
    reasons: tuple[str, ...] = Field(description="from what decided, strongest first")


class Choice(Advice):
    """Advice that recommends one option among several."""

    option: Option = Field(description="what is recommended first")
    propensity: float | None = Field(
        description="chance with which it was put first; null: nothing is recommended", gt=0, le=1
    )


class Used(NamedTuple):
    """An outcome, as JSON, that says which option was really used."""

    outcome: Mapping[str, Any]
    option: Option


Use: TypeAlias = Callable[
    [Mapping[str, Any], Mapping[str, Any], Mapping[str, Any] | None, bool | None], Used
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Generic[Q, O]):
    """Something that became known, as the fold sees it.

    Attributes:
        known: When it became known, in seconds since 1970; never decreases along the log.
        asked: When the question was asked, in seconds since 1970.
        option: The option really used, where the learner offers any.
        strength: How far the source is to be believed, in (0, 1].
        replaced: The event this one corrects, as it was folded.
    """

    seq: int
    query: Q
    outcome: O
    known: float
    asked: float
    option: Option = None
    source: str = "caller"
    strength: float = 1.0
    replaced: "Event[Q, O] | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Generic[Q, O]):
    """A question and what then happened: the line of a replay file."""

    query: Q
    outcome: O
    asked: float
    known: float
    option: Option = None
    group: str = ""
    propensity: float | None = None
    source: str = "caller"
    strength: float = 1.0


class Label(NamedTuple):
    """What an outcome says about one option: ``y`` with ``weight`` observations."""

    option: Option
    y: float
    weight: float


class Evidence(NamedTuple):
    """How much has been told: outcomes, and the distinct things they are about that count."""

    outcomes: int
    distinct: int


@dataclass(frozen=True, slots=True)
class Table:
    """Training rows in the order in which their labels became known.

    Attributes:
        columns: Names of the d columns.
        x: (n, d) float32, as ``features`` returned them.
        y: (n,) labels.
        weight: (n,) number of observations each row stands for.
        option: (n,) the option the row is about.
        asked: (n,) seconds since 1970.
        known: (n,) seconds since 1970.
        group: (n,) rows of one group share their luck and stay on one side of a split.
        propensity: (n,) probability with which the option was drawn; NaN where unknown.
        example: (n,) position of the example a row belongs to.
    """

    columns: tuple[str, ...]
    x: Row
    y: Floats
    weight: Floats
    option: tuple[Option, ...]
    asked: Floats
    known: Floats
    group: tuple[str, ...]
    propensity: Floats
    example: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    def take(self, rows: NDArray[np.int64]) -> "Table":
        """Return the table of the given rows, in that order."""
        return Table(
            self.columns,
            self.x[rows],
            self.y[rows],
            self.weight[rows],
            tuple(self.option[i] for i in rows),
            self.asked[rows],
            self.known[rows],
            tuple(self.group[i] for i in rows),
            self.propensity[rows],
            self.example[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The rule that admits a candidate (design: nothing is promoted that does not beat ...).

    Attributes:
        confidence: Of the one-sided lower bound of the paired difference, before Bonferroni.
        groups: Held-out groups needed before anything can be admitted.
        floors: Lower bounds on reported metrics, in addition (a spec's thresholds).
    """

    confidence: float = 0.95
    groups: int = 30
    floors: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain:
    """When a run is due.

    Attributes:
        outcomes: New outcomes since the last judged run.
        growth: Or: evidence has grown by this share since then.
        minimum_outcomes: Needed before a run makes sense.
        minimum_distinct: Likewise, distinct things (pairs, agents, ...).
        age: Or: so long since the last judged run, with anything new.
        nightly: Or: at this hour of the user's day, with anything new.
        accuracy: Or: cross-validated accuracy of the incumbent below this, with as many new
            outcomes as ``minimum_distinct``.
        things: What the distinct things are, in the plural.
        window: Newest questions that teach and judge; older ones are in the memory's counts.
    """

    outcomes: int = 100
    growth: float = 0.5
    minimum_outcomes: int = 100
    minimum_distinct: int = 50
    age: timedelta | None = None
    nightly: int | None = None
    accuracy: float | None = None
    things: str = "distinct things"
    window: int = 20_000


Fit: TypeAlias = Callable[[Table, np.random.Generator], P]


@dataclass(frozen=True, kw_only=True)
class Learner(Generic[Q, O, M, P, A]):
    """Everything the lifecycle needs to know about one learner.

    Attributes:
        name: Same as its module in the catalog.
        title: What it answers, in a few words for people.
        revision: Of the feature code; memory and params of another revision are never read.
        query: Type of a question.
        outcome: Type of what happened.
        memory: Type of the memory; ``memory()`` is the empty one. Plain, bounded data that
            pydantic can serialise.
        advice: Type of an answer.
        columns: Names of the feature columns, in order.
        observe: Folds an event into the memory, in place: the memory has one owner.
        options: What can be chosen, or what an outcome is attributed to.
        features: (d,) float32 row of an option at a time (seconds since 1970).
        labels: What an outcome says about which option.
        verdict: The outcome that a caller's success / neutral / failure stands for; None where
            such a word alone says nothing to this learner.
        group: What shares its luck, for splits and intervals, unless the caller gives a group.
        evidence: How much has been told.
        candidates: By name; each raises TooFewExamples with the missing number in words.
        score: (n,) predictions for the rows of a table.
        answer: Advice for a query; ``None`` params serve what is observed, else the base rate,
            else the rules, else an abstention.
        predicted: What an answer said, by option, in the label's unit; nothing, or None, where it
            said nothing.
        bounds: Intervals of an answer, by option, in the label's unit.
        interval: Intervals of params for the rows of a table: lower and upper ends (n,).
        findings: What the memory shows that nobody asked for, in words, surest first.
        information: What the outcome of a question would teach at a time (seconds since 1970), in
            bits: whose outcome to ask people for first. None: it cannot say.
        importance: By column, what share of all that params predict came from it. None: they do
            not know.
        distribution: What the outcomes told are about: of each kind of thing the most frequent,
            with how many outcomes are of each.
        dump: Params as data-only bytes.
        load: The inverse; raises Damaged.
        extend: The same learner with catalogue entries the user has added.
        specimen: A random example, for the conformance suite.
        scoring: The loss that decides, with its best constant.
        promotion: Whether an admitted candidate is served at once.
        upstream: Learners whose advice is an input, asked first: by the field of the query that
            takes what they predicted.
        texts: Fields of the query that hold free text, of which only a part may be stored. No
            feature reads them.
        settings: Fields of the query that an outcome may replace by what was really used.
        concerns: Whether an outcome says anything to this learner.
        used: Completes an outcome (query, outcome, the answer it is about or None, whether that was
            followed or None), all as JSON, by which option was really used; raises InvalidFacts
            where nothing says so. None: outcomes are complete as they are told.
        names: Fields of the outcome that name things; they are no texts, and stay whatever becomes
            of texts.
        steps: Outcomes are told in steps: that it is finished, then how it was judged, in any
            order. A later word adds to an earlier one, and what it leaves out stays as it was said.
    """

    name: str
    title: str
    revision: int
    query: type[Q]
    outcome: type[O]
    memory: type[M]
    advice: type[A]
    columns: tuple[str, ...]
    observe: Callable[[M, Event[Q, O]], None]
    options: Callable[[M, Q], tuple[Option, ...]]
    features: Callable[[M, Q, Option, float], Row]
    labels: Callable[[Q, O], tuple[Label, ...]]
    verdict: Callable[[Verdict], O | None]
    group: Callable[[Q], str]
    evidence: Callable[[M], Evidence]
    candidates: Mapping[str, Fit[P]]
    score: Callable[[P, Table], Floats]
    answer: Callable[[P | None, M, Q, float, np.random.Generator], A]
    predicted: Callable[[A], Mapping[Option, float | None]]
    dump: Callable[[P], bytes]
    load: Callable[[bytes], P]
    specimen: Callable[[np.random.Generator], Example[Q, O]]
    scoring: Scoring
    extend: "Callable[[tuple[Mapping[str, Any], ...]], Learner[Q, O, M, P, A]] | None" = None
    gate: Gate = Gate()
    retrain: Retrain = Retrain()
    promotion: Literal["automatic", "manual"] = "automatic"
    bounds: Callable[[A], Mapping[Option, tuple[float, float]]] = lambda _: {}
    interval: Callable[[P, Table], tuple[Floats, Floats]] | None = None
    findings: Callable[[M], tuple[str, ...]] = lambda _: ()
    information: Callable[[M, Q, float], float] | None = None
    importance: Callable[[P], Mapping[str, float]] | None = None
    distribution: Callable[[M], Mapping[str, Mapping[str, int]]] = lambda _: {}
    upstream: Mapping[str, str] = field(default_factory=dict[str, str])
    texts: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    concerns: Callable[[O], bool] = lambda _: True
    used: Use | None = None
    names: tuple[str, ...] = ()
    steps: bool = False


AnyLearner: TypeAlias = Learner[Any, Any, Any, Any, Any]
AnyEvent: TypeAlias = Event[Any, Any]
AnyExample: TypeAlias = Example[Any, Any]
