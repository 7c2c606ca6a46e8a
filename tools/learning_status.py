"""The tool that says what was learned, and what is still missing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from learners.wording import count
from tools.answers import Answer, Part
from tools.arguments import plain
from tools.context import Called

if TYPE_CHECKING:
    from learners import status as shown

MODES: Mapping[str, str] = {"advisor": " (it advises, you decide)"}

Which = Annotated[
    str,
    Field(max_length=60, description="name of one learner; '' for all"),
    AfterValidator(plain),
]


class JoinRate(Part):
    """How many decisions have met their outcome."""

    decisions: int
    joined: int
    rate: float | None
    waiting: int = Field(description="outcomes whose decision has not arrived")


class LastRun(Part):
    """How the last training attempt ended."""

    run: int
    result: str = Field(description="promoted, rejected, failed or skipped")
    reason: str
    outcomes: int
    finished: str


class Scores(Part):
    """Answers of one version, scored when their outcome arrived, beside the best constant."""

    version: int | None
    n: float
    answered: float = Field(description="share that had a probability")
    measure: str
    loss: float
    base_loss: float
    brier: float | None
    base_brier: float | None
    covered: float | None = None

    def line(self) -> str:
        """Return every fact in one line."""
        version = "no version" if self.version is None else f"v{self.version}"
        parts = [
            f"ledger of {version}: n = {self.n:g}, answered {self.answered:.0%}",
            f"{self.measure.replace('_', ' ')} {self.loss:.3f} against {self.base_loss:.3f}",
        ]
        if self.brier is not None:
            parts.append(f"Brier {self.brier:.3f} against {self.base_brier:.3f}")
        if self.covered is not None:
            parts.append(f"{self.covered:.0%} inside the interval")
        return ", ".join(parts)


class LearnerLine(Part):
    """One learner."""

    learner: str
    incumbent: int | None = Field(description="version being served; null: none admitted yet")
    mode: str = Field(description="advisor: it advises, and whoever asked decides")
    n: int = Field(description="outcomes told")
    distinct: int = Field(description="distinct things they are about")
    last_run: LastRun | None
    next_run: str = Field(description="when a run is due, and why")
    ledger: tuple[Scores, ...] = Field(description="of answers that had a probability")
    problems: tuple[str, ...]
    things: str = Field("distinct things", description="what is counted as distinct")
    training_since: str | None = Field(None, description="null: no run is under way")
    findings: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return every fact of the learner."""
        served = "no version admitted yet" if self.incumbent is None else f"v{self.incumbent}"
        told = f"n = {self.n} ({self.distinct} {self.things})"
        mode = f"mode {self.mode}{MODES.get(self.mode, '')}"
        head = f"{self.learner}: {served}, {mode}, {told}"
        run = self.last_run
        last = (
            "  last run: none yet"
            if run is None
            else f"  last run {run.run}: {run.result} at {run.outcomes} outcomes, "
            f"{run.finished}: {run.reason}"
        )
        ledger = [f"  {each.line()}" for each in self.ledger]
        under_way = [f"  training since {self.training_since}"] if self.training_since else []
        problems = [f"  problem: {problem}" for problem in self.problems]
        found = [f"  finding: {finding}" for finding in self.findings]
        return [head, *under_way, last, f"  next run: {self.next_run}", *ledger, *found, *problems]


class StatusAnswer(Answer):
    """The join rate first: without outcomes nothing is learned."""

    join_rate: JoinRate | None = Field(description="null while the database is away")
    database: str = Field(description="ready, or what is wrong")
    degraded: bool
    warnings: tuple[str, ...]
    learners: tuple[LearnerLine, ...]

    def words(self) -> str:
        """Return every fact as lines."""
        state = " (degraded)" if self.degraded else ""
        lines = [self._joined(), f"database: {self.database}{state}"]
        lines += [f"Warning: {warning}" for warning in self.warnings]
        return "\n".join([*lines, *(line for each in self.learners for line in each.lines())])

    def _joined(self) -> str:
        rate = self.join_rate
        if rate is None:
            return "join rate: unknown while the database is away"
        share = "no decisions yet" if rate.rate is None else f"{rate.rate:.0%}"
        return (
            f"join rate: {share} ({rate.joined} of {rate.decisions} decisions have an outcome; "
            f"{count(rate.waiting, 'outcome waits', 'outcomes wait')} for a decision)"
        )


async def learning_status(call: Called, learner: Which = "") -> StatusAnswer:
    """Shows how much of the advice met its outcome, and per learner: version served, n, last
    training run and why it ended so, log loss and Brier against the base rate, next run. For one
    question about mixins, use check_mixin_compatibility."""  # noqa: D205, D209 - a model reads it
    # here, so that the first reply does not wait for the learners
    from learners.status import status

    found = await status(call.lifecycle, learner)
    return StatusAnswer(
        join_rate=None if found.join_rate is None else JoinRate(**found.join_rate.model_dump()),
        database=found.database,
        degraded=call.degraded,
        warnings=call.warnings,
        learners=tuple(_line(each) for each in found.learners),
    )


def _line(found: "shown.LearnerStatus") -> LearnerLine:
    fields = found.model_dump(exclude={"ledger"})
    ledger = [
        Scores(**scores.model_dump(exclude={"reliability", "accuracy"}))
        for scores in found.ledger
        if scores.answered
    ]
    return LearnerLine(**fields, ledger=tuple(ledger))
