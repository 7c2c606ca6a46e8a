"""Keeps a process up to date: opens the database, folds the log, swaps versions, heals.

A notice is only a hint and polling is the safety net. The loop never ends: whatever goes wrong
with the database, advice goes on from memory and this loop tries again.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import structlog
from anyio import to_thread

from learners import codec, incumbents
from learners.errors import LearnerError, Refused, TryAgain
from learners.learner import AnyLearner
from learners.lifecycle import Lifecycle
from learners.replay import Fold, start
from learners.serving import Live
from storage import catalog, log, snapshots, versions
from storage.database import Database
from storage.errors import Damaged, StorageError, Unavailable

Open = Callable[[], Awaitable[Database]]

SLICE_SECONDS = 0.002  # of folding before others get their turn
POLL_LISTENING = 5.0
POLL_BLIND = 0.5
PATIENCE_SECONDS = 2.0  # then the database counts as away
PAGE = 2000
EVENTS = "events"  # the topic of their notices

logger = structlog.get_logger("foresight.following")


@dataclass(slots=True)
class _Follower:
    lifecycle: Lifecycle
    database: Database
    wake: anyio.Event = field(default_factory=anyio.Event)
    looks: bool = True  # something other than events may have changed
    again: float = 0.0  # when to look all the same
    odd: set[str] = field(default_factory=set[str])  # what was said of refused entries

    def hint(self, topic: str = "") -> None:
        """Take a notice: a topic, and for events the number of the last one."""
        name, _, last = topic.partition(" ")
        if name == EVENTS and last.isdecimal() and int(last) <= self.lifecycle.seq:
            return  # of this process, and folded already
        self.looks |= name != EVENTS
        self.wake.set()
        self.lifecycle.stir()

    async def load(self) -> None:
        """Bring every learner from its snapshot to the end of the log."""
        for live in self.lifecycle.lives.values():
            await self.database.run(partial(versions.ensure, learner=live.learner.name))
        records = await self.database.run(versions.serving)
        for live in self.lifecycle.lives.values():
            live.epoch = records[live.learner.name]["epoch"]
            await self._extend(live)
            fold = await self._restored(live.learner)
            if fold.seq > live.fold.seq:
                live.fold = fold
        self.lifecycle.seq = min(
            (live.fold.seq for live in self.lifecycle.lives.values()), default=0
        )
        await self.catch_up()
        await self.swap()

    async def _extend(self, live: Live) -> None:
        """Take up what the user has added to the catalogue, or removed from it."""
        if live.base.extend is not None:
            read = partial(catalog.entries, learner=live.base.name)
            entries = await self.database.run(read, PATIENCE_SECONDS)
            sound = tuple(entry for entry in entries if self._sound(live, entry))
            if sound != live.added:
                live.extend(sound)

    def _sound(self, live: Live, entry: Mapping[str, Any]) -> bool:
        """Whether an entry still describes something; one that does not is left out, and said."""
        if live.base.extend is None or entry in live.added:
            return True
        try:
            live.base.extend((entry,))
        except LearnerError as error:
            if str(error) not in self.odd:
                self.odd.add(str(error))
                logger.warning("catalogue entry refused", learner=live.base.name, reason=str(error))
            return False
        return True

    async def _restored(self, learner: AnyLearner) -> Fold:
        """Read the snapshot, off the loop; without a usable one, begin the replay at the start."""
        try:
            read = partial(snapshots.read, learner=learner.name, revision=learner.revision)
            found = await self.database.run(read)
            if found is not None:
                return await to_thread.run_sync(codec.thaw, learner, *found)
        except (Damaged, LearnerError) as error:
            logger.warning("snapshot refused", learner=learner.name, reason=str(error))
        return start(learner)

    async def catch_up(self) -> None:
        """Fold what is new, in slices."""
        while True:
            rows = await self.database.run(
                lambda connection: log.since(connection, self.lifecycle.seq, PAGE),
                PATIENCE_SECONDS,
            )
            await self._fold(rows)
            if len(rows) < PAGE:
                return

    async def _fold(self, rows: Sequence[codec.Row], aside: Fold | None = None) -> None:
        """Fold rows, in slices: into the memories, or into one that is being made aside."""
        turn = time.perf_counter()
        for row in rows:
            live = self.lifecycle.lives.get(row["learner"])
            if live is not None:
                _observe(live, aside or live.fold, row)
            if time.perf_counter() - turn > SLICE_SECONDS:
                if aside is None:
                    self.lifecycle.folded(row["seq"])
                await anyio.lowlevel.checkpoint()
                turn = time.perf_counter()
        if rows and aside is None:
            self.lifecycle.folded(rows[-1]["seq"])

    async def swap(self) -> None:
        """Serve what the registry says; refuse what is damaged and keep what is served."""
        for name, record in (await self.database.run(versions.serving, PATIENCE_SECONDS)).items():
            live = self.lifecycle.lives.get(name)
            if live is None:
                continue
            live.mode = record["mode"]
            if record["incumbent"] != live.version:
                await self._serve(live, record["incumbent"])
            else:
                live.refused = ""
            if record["epoch"] != live.epoch:
                await self._renew(live, record["epoch"], record["erasure"])
            live.erasure = record["erasure"]

    async def _renew(self, live: Live, epoch: int, erasure: int) -> None:
        """Fold what an erasure left, aside; then go on with that and with nothing else."""
        learner, live.skipped = live.learner, 0
        fold = await self._restored(learner)
        while rows := await self.database.run(
            partial(log.since, seq=fold.seq, limit=PAGE, learner=learner.name)
        ):
            await self._fold(rows, fold)
            fold.seq = rows[-1]["seq"]  # also past one that could not be read
        if self.lifecycle.database is not None:
            # What was asked of the old memory; the log refuses what is forgotten of it.
            await self.lifecycle.writer.flush(PATIENCE_SECONDS)
        live.renew(fold, epoch, erasure)
        self.lifecycle.drop_recent(learner.name)
        self.lifecycle.stir()
        logger.info("memory renewed", learner=learner.name, epoch=epoch, seq=fold.seq)

    async def _serve(self, live: Live, number: int | None) -> None:
        if number is None:
            live.version, live.params, live.refused = None, None, ""
            return
        try:
            version = await incumbents.read(self.database.run, live.learner, number)
        except Refused as error:
            await self._refuse(live, number, str(error))
            return
        live.refused = ""
        self._take(live, version)

    async def _refuse(self, live: Live, number: int, reason: str) -> None:
        """Keep what is served; a process that serves nothing yet takes what was served before."""
        if live.version is None:
            self._take(live, await incumbents.before(self.database.run, live.learner, number))
        instead = "no version is" if live.version is None else f"version {live.version} is still"
        refused = f"{reason}; {instead} served"
        if live.refused != refused:
            logger.error("version refused", learner=live.learner.name, reason=refused)
        live.refused = refused

    def _take(self, live: Live, version: incumbents.Version) -> None:
        live.version, live.params = version.number, version.params
        if version.number is not None:
            logger.info("serving", learner=live.learner.name, version=version.number)

    async def follow(self) -> None:
        """Fold and swap on every hint, and now and then without one."""
        self.looks = True
        async with AsyncExitStack() as stack:
            listening: Callable[[], bool] = bool
            if self.database.target.listens:
                listening = await stack.enter_async_context(self.database.listening(self.hint))
            while True:
                if self.database.target.listens and not listening():
                    # asks are flagged from now on: to find out by asking takes seconds
                    raise Unavailable("the connection to the database was lost")
                pause = POLL_LISTENING if listening() else POLL_BLIND
                await self.catch_up()
                looks = self.looks or anyio.current_time() >= self.again
                if looks:
                    self.looks = False
                    await self._look()
                    self.again = anyio.current_time() + pause
                self.lifecycle.opened(self.database)
                if looks:
                    await self.lifecycle.join_waiting()
                with anyio.move_on_after(pause):
                    await self.wake.wait()
                self.wake = anyio.Event()

    async def _look(self) -> None:
        """Take up what is no event: what is served, and the catalogue."""
        await self.swap()
        for live in self.lifecycle.lives.values():
            await self._extend(live)


def _observe(live: Live, fold: Fold, row: codec.Row) -> None:
    if row["seq"] <= fold.seq:
        return
    try:
        fold.observe(codec.entry(live.learner, row))
    except LearnerError as error:
        live.skipped += 1
        logger.warning("event skipped", seq=row["seq"], reason=str(error))


async def follow(lifecycle: Lifecycle, open_database: Open) -> None:
    """Follow the log for as long as the process lives.

    Args:
        open_database: Starts or joins the database; raises StorageError while it cannot.
    """
    database = await _opened(lifecycle, open_database)
    follower = _Follower(lifecycle, database)
    lifecycle.follow_with(partial(follower.hint, EVENTS))
    try:
        loaded = False
        while True:
            try:
                if not loaded:
                    await follower.load()
                    loaded = True
                await follower.follow()
            except (StorageError, TryAgain, OSError) as error:
                if lifecycle.trouble != str(error):
                    logger.warning("database away", reason=str(error))
                lifecycle.lost(str(error))
                await _heal(database)
                await anyio.sleep(POLL_BLIND)
    finally:
        await database.close()


async def _opened(lifecycle: Lifecycle, open_database: Open) -> Database:
    pause = POLL_BLIND
    while True:
        try:
            return await open_database()
        except StorageError as error:
            if lifecycle.trouble != str(error):
                logger.error("database not available", reason=str(error))
            lifecycle.lost(str(error))
        await anyio.sleep(pause)
        pause = min(pause * 2, 10.0)


async def _heal(database: Database) -> None:
    try:
        await database.heal()
    except StorageError as error:
        logger.error("database could not be started again", reason=str(error))
