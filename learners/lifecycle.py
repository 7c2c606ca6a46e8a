"""Ask, tell, learn: the same for every learner.

One lifecycle is one process's view: memories and params in RAM, a writer behind them, and the
database that makes it durable and shares it. Asking does no I/O. Telling is durable before it
returns, and this process has folded it by then.
"""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import partial
from typing import Any

import anyio
import structlog

from learners import telling
from learners.errors import (
    Conflict,
    InvalidFacts,
    NotStored,
    UnknownLearner,
    WrongInput,
)
from learners.learner import A, AnyLearner, Learner, M, O, P, Q
from learners.redaction import StoreText
from learners.serving import Caller, Decision, Live
from learners.telling import Tell
from learners.wording import quoted
from storage import decisions, errors, log, runs
from storage.database import Database
from storage.errors import Refused, StorageError, Unavailable
from storage.rows import DecisionRow, EventRow, Stored
from storage.writer import Writer

REMEMBERED = 5000  # decisions whose rows are kept in RAM, to spare a look-up when told
TELL_SECONDS = 10.0
COMMIT_SECONDS = 5.0  # a batch's own deadline: shorter, so that a caller hears of it

logger = structlog.get_logger("foresight.lifecycle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of an outcome.

    Attributes:
        key: Repeat with it if in doubt: the same key is stored once.
        effect: As `storage.rows.Effect`.
        joined: Whether it met its decision.
        learners: Who learns from it.
    """

    key: str
    effect: str
    joined: bool
    learners: tuple[str, ...]


@dataclass(slots=True)
class Lifecycle:
    """The verbs. Made once per process; `learners.following` keeps it up to date."""

    lives: dict[str, Live]
    clock: Callable[[], float] = time.time
    database: Database | None = None
    trouble: str = "the database is starting"
    store_text: StoreText = "redacted"
    writer: Writer = field(init=False)
    seq: int = 0  # last event of the log that this process has folded
    _ready: anyio.Event = field(default_factory=anyio.Event)
    _folded: anyio.Event = field(default_factory=anyio.Event)
    _stirred: anyio.Event = field(default_factory=anyio.Event)
    _nudge: Callable[[], None] = lambda: None
    _recent: OrderedDict[str, list[DecisionRow]] = field(
        default_factory=OrderedDict[str, list[DecisionRow]]
    )
    _unjoinable: set[str] = field(default_factory=set[str])  # keys whose facts fit no decision

    def __post_init__(self) -> None:
        """Make the writer."""
        self.writer = Writer(self._append)

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
        try:
            return self.lives[name]
        except KeyError:
            names = ", ".join(self.lives)
            raise UnknownLearner(f"learner: expected one of {names}; got {quoted(name)}") from None

    def now(self) -> float:
        """Return the present in seconds since 1970, as exactly as the database keeps it."""
        return round(self.clock(), 6)

    def ask(self, learner: Learner[Q, O, M, P, A], query: Q, caller: Caller) -> Decision[A]:
        """Answer at once, from RAM, and log the decision behind the answer."""
        live = self.live(learner.name)
        decision = live.ask(query, caller, self.now(), degraded=bool(self.trouble))
        self._log(decision)
        return decision

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
        self._recent.setdefault(decision.id, []).append(decision.row)
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        self.writer.decide(decision.row)

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
        rows = [replaced(row, erasure=erasure) for row in await self._rows(tell, caller)]
        results = await self._store(rows)
        fresh = not tell.key and tell.decision_id
        if fresh and any(result.effect == "superseded" for result in results):
            # The same words as before a correction: they are news again.
            again = [replaced(row, key=f"{row.key}:{uuid.uuid4().hex[:8]}") for row in rows]
            rows, results = again, await self._store(again)
        await self._reached(max((r.seq or 0 for r in results), default=0))
        return _told(rows, results)

    async def tell_all(self, tells: Sequence[tuple[Tell, Caller]]) -> list[Told]:
        """Store many plain facts in few flushes: the way of imports."""
        rows = [
            replaced(
                telling.row(tell, self.live(tell.learner).learner, caller, self.now(), None),
                erasure=self._erasure,
            )
            for tell, caller in tells
        ]
        results = await self._store(rows)
        await self._reached(max((r.seq or 0 for r in results), default=0))
        return [_told([row], [result]) for row, result in zip(rows, results, strict=True)]

    async def _rows(self, tell: Tell, caller: Caller) -> list[EventRow]:
        at = self.now()
        if not tell.decision_id:
            if tell.corrects and not tell.facts:
                tell = await self._about_the_corrected(tell)
            if not tell.learner or not tell.facts:
                raise InvalidFacts(
                    "decision_id: expected the id of an answer, or learner and facts instead; "
                    "got neither"
                )
            return [telling.row(tell, self.live(tell.learner).learner, caller, at, None)]
        tell = replaced(tell, decision_id=telling.decision_id(tell.decision_id))
        if tell.learner:
            self.live(tell.learner)
        found = await self._decision_rows(tell.decision_id)
        wanted = [row for row in found if tell.learner in ("", row["learner"])]
        if found and not wanted:
            names = ", ".join(row["learner"] for row in found)
            raise WrongInput(f"learner: this decision is of {names}; got {quoted(tell.learner)}")
        if wanted and not any(row["learner"] in self.lives for row in wanted):
            names = ", ".join(row["learner"] for row in wanted)
            raise WrongInput(f"decision_id: it is of {names}, which this program does not have")
        if wanted:
            return [
                telling.row(tell, self.live(row["learner"]).learner, caller, at, row)
                for row in wanted
                if row["learner"] in self.lives
            ]
        if tell.learner and tell.facts:
            return [telling.row(tell, self.live(tell.learner).learner, caller, at, None)]
        return [telling.waiting(tell, caller, at)]

    async def _about_the_corrected(self, tell: Tell) -> Tell:
        """Return a correction with the facts of what it corrects."""
        found = await self.run(partial(log.by_key, key=tell.corrects))
        wanted = [row for row in found if tell.learner in ("", row["learner"])]
        if len(wanted) > 1:
            names = ", ".join(row["learner"] for row in wanted)
            raise WrongInput(f"learner: outcomes of {names} have this key; name one of them")
        if not wanted:
            raise WrongInput(
                f"corrects: expected the key of a stored outcome, got {quoted(tell.corrects)}"
            )
        return replaced(tell, learner=wanted[0]["learner"], facts=wanted[0]["query"])

    async def _decision_rows(self, decision_id: str) -> list[Mapping[str, Any]]:
        recent = self._recent.get(decision_id)
        if recent is not None:
            return [row.record() for row in recent]
        await self.ready(TELL_SECONDS)
        try:
            return list(await self.run(partial(decisions.read, decision_id=decision_id)))
        except NotStored as error:
            raise NotStored(f"not stored: {error} Repeat with the same key.") from error

    async def _store(self, rows: Sequence[EventRow]) -> list[Stored]:
        rows = [self._kept(row) for row in rows]
        try:
            results = await self.writer.tell(rows, TELL_SECONDS)
        except Refused as error:
            raise InvalidFacts(f"not stored: {error}") from error
        except StorageError as error:
            reason = str(error).rstrip(".")
            raise NotStored(f"not stored: {reason}; repeat with the same key") from error
        for row, result in zip(rows, results, strict=True):
            if result.effect == "conflict":
                raise Conflict(
                    f"key: {quoted(row.key)} is stored already with another outcome; "
                    "use another key, and name this one in corrects to replace it"
                )
            if result.effect == "nothing":
                raise WrongInput(
                    f"corrects: expected the key of a stored outcome of {row.learner}, "
                    f"got {quoted(row.corrects)}"
                )
            if result.effect == "forgotten":
                raise NotStored(
                    "not stored: what it is about was forgotten at this moment; repeat the call "
                    "to have it stored anew"
                )
        return results

    def _kept(self, row: EventRow) -> EventRow:
        live = self.lives.get(row.learner)
        return telling.kept(row, self.store_text, live.learner.names if live else ())

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
                joined = await self._rows(*telling.arrived(row))
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
        for name, rows in list(self._recent.items()):
            left = [row for row in rows if row.learner != learner]
            if left:
                self._recent[name] = left
            else:
                del self._recent[name]

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


def _told(rows: Sequence[EventRow], results: Sequence[Stored]) -> Told:
    return Told(
        key=rows[0].key,
        effect=results[0].effect,
        joined=any(row.joined for row in rows),
        learners=tuple(row.learner for row in rows if row.learner != "*"),
    )
