"""What the loop is doing, in words and figures: the join rate first, then each learner."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from learners.errors import UnknownDecision, UnknownVersion
from learners.ledger import Account
from learners.lifecycle import Lifecycle
from learners.numerics.scoring import Scoring
from learners.serving import Live
from learners.telling import decision_id
from learners.worker import due
from storage import decisions, runs, versions
from storage.database import Database
from storage.errors import StorageError

PATIENCE_SECONDS = 1.5
FINDINGS = 3  # that a status shows
IMPORTANT = 10  # columns that a card names


class Shown(BaseModel):
    """Base of what is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JoinRate(Shown):
    """How many decisions have met their outcome."""

    decisions: int
    joined: int
    rate: float | None = Field(description="null without decisions")
    waiting: int = Field(description="outcomes whose decision has not landed")


class LastRun(Shown):
    """How the last training attempt ended."""

    run: int
    result: str = Field(description="promoted, rejected, failed or skipped")
    reason: str
    outcomes: int
    finished: str


class Bin(Shown):
    """One bin of the reliability table: what was said on average, and what happened."""

    said: float
    happened: float
    n: float


class Scores(Shown):
    """Served answers of one version, scored when their outcome arrived.

    Beside them the running constant: the base rate, or the median of the newest.
    """

    version: int | None
    n: float
    answered: float = Field(description="share of outcomes whose answer said something")
    measure: str = Field(description="what the loss is: log_loss or absolute_error")
    loss: float
    base_loss: float
    brier: float | None = Field(description="of probabilities")
    base_brier: float | None
    accuracy: float | None = Field(description="of probabilities: share on the right side of 0.5")
    covered: float | None = Field(description="share of outcomes inside the interval, 90 % meant")
    reliability: tuple[Bin, ...]


class LearnerStatus(Shown):
    """One learner."""

    learner: str
    incumbent: int | None = Field(description="version being served; null: none admitted yet")
    mode: str
    n: int = Field(description="outcomes told")
    distinct: int = Field(description="distinct things they are about that count")
    things: str = Field(description="what the distinct things are")
    training_since: str | None = Field(description="start of the run under way; null: none")
    last_run: LastRun | None
    next_run: str
    ledger: tuple[Scores, ...]
    problems: tuple[str, ...]
    findings: tuple[str, ...] = Field((), description="what its memory shows unasked")


class Status(Shown):
    """Everything, the join rate first."""

    join_rate: JoinRate | None = Field(description="null while the database is away")
    database: str = Field(description="ready, or what is wrong with it")
    learners: tuple[LearnerStatus, ...]


async def status(lifecycle: Lifecycle, learner: str = "") -> Status:
    """Return the state of one learner, or of all.

    Answers from RAM alone while the database is away.

    Raises:
        UnknownLearner: With the names there are.
    """
    lives = [lifecycle.live(learner)] if learner else list(lifecycle.lives.values())
    trouble, database = lifecycle.trouble, lifecycle.database
    if not trouble and database is not None:
        try:
            rate = await _join_rate(database, [live.learner.name for live in lives])
            learners = [await _learner(live, database) for live in lives]
            return Status(join_rate=rate, database="ready", learners=tuple(learners))
        except StorageError as error:
            trouble = str(error)
    remembered = tuple(_remembered(live, None, trouble) for live in lives)
    return Status(join_rate=None, database=trouble, learners=remembered)


async def _join_rate(database: Database, names: list[str]) -> JoinRate:
    asked, joined = await database.run(
        partial(decisions.join_rate, learners=names), PATIENCE_SECONDS
    )
    told = await database.run(decisions.told, PATIENCE_SECONDS)
    waiting = told["*"]["waiting"] if "*" in told else 0
    rate = joined / asked if asked else None
    return JoinRate(decisions=asked, joined=joined, rate=rate, waiting=waiting)


async def _learner(live: Live, database: Database) -> LearnerStatus:
    name = live.learner.name
    row = await database.run(partial(runs.last, learner=name), PATIENCE_SECONDS)
    since = await database.run(partial(runs.training_since, learner=name), PATIENCE_SECONDS)
    started = None if since is None else since.isoformat(timespec="seconds")
    state = await due(live, database, PATIENCE_SECONDS)
    last = _last_run(row) if row is not None else None
    waits = state.now and started is None
    reason = f"due, as soon as a worker is free: {state.reason}" if waits else state.reason
    return _remembered(live, last, reason, started)


def _remembered(
    live: Live, last: LastRun | None, next_run: str, since: str | None = None
) -> LearnerStatus:
    evidence = live.learner.evidence(live.fold.memory)
    skipped = (
        (f"{live.skipped} stored events could not be read by this revision",)
        if live.skipped
        else ()
    )
    return LearnerStatus(
        learner=live.learner.name,
        incumbent=live.version,
        mode=live.mode,
        n=evidence.outcomes,
        distinct=evidence.distinct,
        things=live.learner.retrain.things,
        training_since=since,
        last_run=last,
        next_run=next_run,
        ledger=tuple(
            _scores(live.learner.scoring, version, account)
            for version, account in live.fold.ledger.accounts.items()
        ),
        problems=((live.refused,) if live.refused else ()) + skipped,
        findings=live.learner.findings(live.fold.memory)[:FINDINGS],
    )


def _last_run(row: Any) -> LastRun:
    return LastRun(
        run=row["id"],
        result=row["result"],
        reason=row["reason"],
        outcomes=row["outcomes"],
        finished=row["finished_at"].isoformat(timespec="seconds"),
    )


def _scores(scoring: Scoring, version: int, account: Account) -> Scores:
    n, probability = account.n, scoring.kind == "probability"
    return Scores(
        version=version or None,
        n=n,
        answered=account.answered / n,
        measure=scoring.name,
        loss=account.loss / n,
        base_loss=account.base_loss / n,
        brier=account.square / n if probability else None,
        base_brier=account.base_square / n if probability else None,
        accuracy=_accuracy(account) if probability else None,
        covered=account.covered / account.bounded if account.bounded else None,
        reliability=tuple(
            Bin(said=said / weight, happened=good / weight, n=weight)
            for weight, said, good in account.bins
            if weight
        ),
    )


def _accuracy(account: Account) -> float | None:
    """Return how often what was said to be likelier happened; the bins divide at one half."""
    half = len(account.bins) // 2
    right = sum(weight - good for weight, _, good in account.bins[:half])
    right += sum(good for _, _, good in account.bins[half:])
    answered = sum(weight for weight, _, _ in account.bins)
    return right / answered if answered else None


def leading(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the most important columns of a stored report; of older ones nothing is known."""
    found = sorted(report.get("importance", {}).items(), key=lambda each: (-each[1], each[0]))
    return dict(found[:IMPORTANT])


async def decision(lifecycle: Lifecycle, text: str) -> dict[str, Any]:
    """Return a decision with everything told about it.

    Raises:
        InvalidFacts: The id is not a UUID.
        UnknownDecision: There is none of that id.
    """
    name = decision_id(text)
    rows = await lifecycle.run(partial(decisions.read, decision_id=name))
    if not rows:
        raise UnknownDecision(f"decision_id: no decision {name}; ids are returned with answers")
    outcomes = await lifecycle.run(partial(decisions.outcomes, decision_id=name))
    return {
        "decision_id": name,
        "answers": [{**dict(row.items()), "asked": row["asked"]} for row in rows],
        "outcomes": [
            {**dict(row.items()), "known_at": row["known_at"].isoformat()} for row in outcomes
        ],
    }


async def card(lifecycle: Lifecycle, learner: str, number: int | None = None) -> dict[str, Any]:
    """Return the model card of a version: by default of the one being served.

    Raises:
        UnknownLearner: With the names there are.
        UnknownVersion: Nothing was trained yet, or there is no such version.
    """
    live = lifecycle.live(learner)
    known = await lifecycle.run(partial(versions.versions, learner=learner))
    wanted = live.version if number is None else number
    row = next((row for row in known if row["number"] == wanted), None)
    if row is None and number is not None:
        shown = ", ".join(str(row["number"]) for row in known) or "none yet"
        raise UnknownVersion(f"version: expected one of {shown}; got {number}")
    last = await lifecycle.run(partial(runs.last, learner=learner))
    state = await status(lifecycle, learner)
    return {
        "learner": learner,
        "title": live.learner.title,
        "revision": live.learner.revision,
        "candidates": list(live.learner.candidates),
        "features": list(live.learner.columns),
        "version": None if row is None else row["number"],
        "candidate": None if row is None else row["candidate"],
        "created_at": None if row is None else row["created_at"].isoformat(),
        "importance": {} if row is None else leading(row["report"]),
        "report": None if row is None else row["report"],
        "lineage": None if row is None else row["lineage"],
        "last_run": None if last is None else _last_run(last).model_dump(),
        "status": state.learners[0].model_dump(mode="json"),
    }
