"""Ask, tell, learn: the same for every learner.

One lifecycle is one process's view: memories and params in RAM, a writer behind them, and the
database that makes it durable and shares it. Asking does no I/O. Telling is durable before it
returns, and this process has folded it by then.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import partial
from typing import Any, Final

import anyio
import structlog
from pydantic import BaseModel

from learners import code_facts, keeping, telling
from learners.addressing import Addresses
from learners.errors import Conflict, InvalidFacts, NotStored, SaysNothing, WrongInput
from learners.learner import A, AnyLearner, Learner, M, O, P, Q
from learners.redaction import StoreText
from learners.serving import Caller, Decision, Live, ordered
from learners.telling import Tell
from learners.wording import quoted
from storage import errors, log, runs
from storage.database import Database
from storage.errors import Refused, StorageError, Unavailable
from storage.rows import DecisionRow, Effect, EventRow, Stored
from storage.writer import Writer

TELL_SECONDS = 10.0
COMMIT_SECONDS = 5.0  # a batch's own deadline: shorter, so that a caller hears of it

# What became of an outcome, from what changes most to what changes nothing.
EFFECTS: Final[tuple[Effect, ...]] = (
    "join", "fact", "correction", "waiting", "weaker", "superseded", "duplicate", "conflict",
    "nothing", "forgotten",
)  # fmt: skip

logger = structlog.get_logger("foresight.lifecycle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of an outcome.

    Attributes:
        key: Repeat with it if in doubt: the same key is stored once.
        effect: As `storage.rows.Effect`; of several learners, the one that changes most.
        joined: Whether it met its decision.
        learners: Who learns from it.
        remark: What could not be done, in words.
    """

    key: str
    effect: str
    joined: bool
    learners: tuple[str, ...]
    remark: str = ""


@dataclass(slots=True)
class Lifecycle:
    """The verbs. Made once per process; `learners.following` keeps it up to date."""

    lives: dict[str, Live]
    clock: Callable[[], float] = time.time
    database: Database | None = None
    trouble: str = "the database is starting"
    store_text: StoreText = "redacted"
    store_code: bool = False
    writer: Writer = field(init=False)
    seq: int = 0  # last event of the log that this process has folded
    _ready: anyio.Event = field(default_factory=anyio.Event)
    _folded: anyio.Event = field(default_factory=anyio.Event)
    _stirred: anyio.Event = field(default_factory=anyio.Event)
    _nudge: Callable[[], None] = lambda: None
    _addresses: Addresses = field(init=False)
    _unjoinable: set[str] = field(default_factory=set[str])  # keys whose facts fit no decision

    def __post_init__(self) -> None:
        """Make the writer."""
        self.writer = Writer(self._append)
        self._addresses = Addresses(self.lives, self.run, self.ready)

    # ask

    async def ready(self, seconds: float) -> bool:
        """Wait until history is loaded, for at most so long; return whether it is."""
        if not self._ready.is_set():
            with anyio.move_on_after(seconds):
                await self._ready.wait()
        return self._ready.is_set()

    def opened(self, database: Database) -> None:
        """Take the database into use: history is loaded."""
        self.database, self.trouble = database, ""
        self._ready.set()

    def lost(self, trouble: str) -> None:
        """Note that the database is away; advice goes on, flagged degraded."""
        self.trouble = trouble

    def live(self, name: str) -> Live:
        """Return a learner's state.

        Raises:
            UnknownLearner: With the names there are.
        """
        return self._addresses.live(name)

    def now(self) -> float:
        """Return the present in seconds since 1970, as exactly as the database keeps it."""
        return round(self.clock(), 6)

    def ask(self, learner: Learner[Q, O, M, P, A], query: Q, caller: Caller) -> Decision[A]:
        """Answer at once, from RAM, and log the decision behind the answer."""
        live = self.live(learner.name)
        decision = live.ask(query, caller, self.now(), degraded=bool(self.trouble))
        self._log(decision)
        return decision

    def ask_together(
        self, names: Sequence[str], query: BaseModel, caller: Caller
    ) -> dict[str, Decision[Any]]:
        """Answer as several learners, under one decision id.

        Whoever another one's advice is an input for comes first, and what it predicted goes into
        the query of the other: training reads what was served.
        """
        said = dict[str, Decision[Any]]()
        name, at = str(uuid.uuid4()), self.now()
        for each in ordered({one: self.live(one).learner for one in names}):
            live = self.live(each)
            found = {
                field: live_said.predicted.get(None)
                for field, upstream in live.learner.upstream.items()
                if (live_said := said.get(upstream)) is not None
            }
            own = query.model_copy(update=found)
            said[each] = live.ask(own, caller, at, degraded=bool(self.trouble), name=name)
            self._log(said[each])
        return said

    def choose(
        self,
        learner: Learner[Q, O, M, P, A],
        caller: Caller,
        choice: Callable[[AnyLearner, P | None, M, float], Any],
    ) -> Decision[Any]:
        """Answer with a choice made from a learner's memory and params.

        The outcome of a choice must say what was really used, so no query is logged.
        """
        live, at = self.live(learner.name), self.now()
        version, params = live.served
        advice = choice(live.learner, params, live.fold.memory, at)
        name = str(uuid.uuid4())
        decision = live.decision(
            name, None, advice, [], version, caller, at, degraded=bool(self.trouble)
        )
        self._log(decision)
        return decision

    def _log(self, decision: Decision[Any]) -> None:
        learner = self.live(decision.row.learner).learner
        row = keeping.kept_query(learner, decision.row, self.store_text)
        self._addresses.remember(row)
        self.writer.decide(row)

    # tell

    async def tell(self, tell: Tell, caller: Caller) -> Told:
        """Store what happened, durably, and fold it.

        Raises:
            WrongInput: The call must be corrected; the text names the field.
            NotStored: The database was away; repeat with the same key.
        """
        if tell.source not in telling.STRENGTH:
            raise InvalidFacts(
                f"source: expected one of {', '.join(telling.STRENGTH)}; got {quoted(tell.source)}"
            )
        erasure = self._erasure  # before anything is looked up
        made, remark = await self._rows(code_facts.named(tell), caller)
        rows = [replaced(row, erasure=erasure) for row in made]
        results = _accepted(rows, await self._store(rows))
        if not tell.key and tell.decision_id:
            # The same words as before a correction: they are news again.
            stale = [i for i, result in enumerate(results) if result.effect == "superseded"]
            again = [replaced(rows[i], key=f"{rows[i].key}:{uuid.uuid4().hex[:8]}") for i in stale]
            stored = _accepted(again, await self._store(again)) if again else []
            for i, row, result in zip(stale, again, stored, strict=True):
                rows[i], results[i] = row, result
        await self._reached(max((r.seq or 0 for r in results), default=0))
        return _told(list(zip(rows, results, strict=True)), remark)

    async def tell_all(self, tells: Sequence[tuple[Tell, Caller]]) -> list[Told]:
        """Store many plain facts in few flushes: the way of imports.

        The effect says of each whether its key was there already with another outcome (conflict)
        or whether nothing was left to be stored (nothing); the others are stored all the same.
        """
        made = list[tuple[list[EventRow], str]]()
        for tell, caller in tells:
            try:
                made.append(await self._rows(code_facts.named(tell), caller))
            except SaysNothing as error:
                made.append(([], str(error)))
        rows = [replaced(row, erasure=self._erasure) for each, _ in made for row in each]
        results = _accepted(rows, await self._store(rows), conflicts=True)
        await self._reached(max((r.seq or 0 for r in results), default=0))
        pairs = iter(zip(rows, results, strict=True))
        return [_told([next(pairs) for _ in each], remark) for each, remark in made]

    async def _rows(self, tell: Tell, caller: Caller) -> tuple[list[EventRow], str]:
        """Return an outcome's rows, and what the caller should know of them."""
        at = self.now()
        if tell.decision_id:
            tell = replaced(tell, decision_id=telling.decision_id(tell.decision_id))
            about = await self._addresses.of_decision(tell)
        else:
            tell, about = await self._addresses.of_facts(tell)
        tell, remark = await code_facts.measured(tell, about, keep=self._keeps_code)
        if not about:
            return [telling.waiting(tell, caller, at)], remark
        return telling.rows(tell, about, caller, at, remark=remark), remark

    @property
    def _keeps_code(self) -> bool:
        return self.store_code and self.store_text == "redacted"

    async def _store(self, rows: Sequence[EventRow]) -> list[Stored]:
        rows = [self._kept(row) for row in rows]
        try:
            return await self.writer.tell(rows, TELL_SECONDS)
        except Refused as error:
            raise InvalidFacts(f"not stored: {error}") from error
        except StorageError as error:
            reason = str(error).rstrip(".")
            raise NotStored(f"not stored: {reason}; repeat with the same key") from error

    def _kept(self, row: EventRow) -> EventRow:
        live = self.lives.get(row.learner)
        return keeping.kept(row, self.store_text, live.learner if live else None)

    async def _append(
        self, asked: Sequence[DecisionRow], events: Sequence[EventRow]
    ) -> list[Stored]:
        if self.database is None:
            raise Unavailable(self.trouble)
        return await self.database.run(
            lambda connection: log.append(connection, asked, events), COMMIT_SECONDS
        )

    async def join_waiting(self) -> int:
        """Give outcomes whose decision has landed their place in the log; return how many.

        Raises:
            NotStored: The database is away.
        """
        erasure = self._erasure  # before anything is looked up
        waiting = await self.run(partial(log.waiting, but=list(self._unjoinable)))
        rows, keys = list[EventRow](), list[str]()
        for row in waiting:
            try:
                joined, _ = await self._rows(*telling.arrived(row))
            except WrongInput as error:
                self._unjoinable.add(row["key"])
                logger.warning(
                    "outcome does not fit its decision and stays aside",
                    decision_id=str(row["decision_id"]),
                    reason=str(error),
                )
                continue
            rows.extend(replaced(self._kept(each), erasure=erasure) for each in joined)
            keys.append(row["key"])
        if keys:
            await self.run(lambda connection: log.join(connection, keys, rows))
        return len(keys)

    # folding, driven by `learners.following`

    def follow_with(self, nudge: Callable[[], None]) -> None:
        """Set what is called when this process has written an event it must fold."""
        self._nudge = nudge

    @property
    def _erasure(self) -> int:
        """The last erasure that every memory of this process knows of."""
        return min((live.erasure for live in self.lives.values()), default=0)

    def drop_recent(self, learner: str) -> None:
        """Let the database say from now on which decisions of a learner there are."""
        self._addresses.drop(learner)

    def folded(self, seq: int) -> None:
        """Note how far the log has been folded, and wake whoever waits for it."""
        self.seq = max(self.seq, seq)
        self._folded.set()
        self._folded = anyio.Event()

    async def _reached(self, seq: int) -> None:
        self._nudge()
        with anyio.move_on_after(TELL_SECONDS):
            while self.seq < seq:
                await self._folded.wait()

    # learn

    def stir(self) -> None:
        """Wake whoever waits for something to have changed."""
        self._stirred.set()
        self._stirred = anyio.Event()

    async def stirred(self, seconds: float) -> None:
        """Wait until something may have changed, for at most so long."""
        with anyio.move_on_after(seconds):
            await self._stirred.wait()

    async def request(self, name: str, reason: str, *, manual: bool) -> int:
        """Ask for a training run and return the request's number; requests coalesce."""
        self.live(name)
        number: int = await self.run(
            partial(runs.request, learner=name, reason=reason, manual=manual)
        )
        return number

    async def run(self, work: Callable[..., Any], deadline: float = TELL_SECONDS) -> Any:
        """Do a unit of work with the database.

        Raises:
            NotStored: It is away.
            Damaged: Of storage: what was read is not what was written.
        """
        if self.database is None:
            raise NotStored(f"the database is away: {self.trouble}; try again in a moment")
        try:
            return await self.database.run(work, deadline)
        except errors.Damaged:
            raise  # the same call would find the same bytes
        except StorageError as error:
            raise NotStored(str(error)) from error


def _accepted(
    rows: Sequence[EventRow], results: list[Stored], *, conflicts: bool = False
) -> list[Stored]:
    """Return what became of rows, unless one was refused."""
    for row, result in zip(rows, results, strict=True):
        refusal = telling.refusal(row, result)
        if refusal is not None and not (conflicts and isinstance(refusal, Conflict)):
            raise refusal
    return results


def _told(stored: Sequence[tuple[EventRow, Stored]], remark: str) -> Told:
    if not stored:
        return Told(key="", effect="nothing", joined=False, learners=(), remark=remark)
    row, result = min(stored, key=lambda each: EFFECTS.index(each[1].effect))
    return Told(
        key=row.key,
        effect=result.effect,
        joined=any(row.joined for row, _ in stored),
        learners=tuple(row.learner for row, _ in stored if row.learner != "*"),
        remark=remark,
    )
