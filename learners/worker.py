"""The background loop: is a run due, take the lease, train in a child, judge, promote.

Any number of processes may run it. A learner is trained by one of them at a time: whoever holds
the lease, and only while it still does. A failure here never reaches an ask.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from learners import monitoring
from learners.lifecycle import Lifecycle
from learners.monitoring import Due, LastRun
from learners.serving import Live
from learners.training_child import TrainingFailed, hand_over, trained, workplace
from learners.training_files import PARAMS, SNAPSHOT, Found, Job
from storage import decisions, runs, snapshots, versions
from storage.database import Database
from storage.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from anyio.abc import Process

    from storage.pool import AnyConnection

TICK_SECONDS = 5.0
SETTLE_SECONDS = 0.5  # outcomes come in bursts: let one land before looking
PRUNE_SECONDS = 3600.0
RELEASE_SECONDS = 0.5
KEPT = timedelta(days=90)  # decisions about which nothing was told
KEPT_WHEN_FULL = timedelta(days=1)

logger = structlog.get_logger("foresight.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Limits of training.

    Attributes:
        lease: How long a trainer may be silent before another takes over.
        memory_mb: Cap of the child's address space; 0 is none.
        jobs: Processes or threads over which candidates and folds are spread.
        backend: Of joblib; empty is its own choice.
        attempts: Failures after which a request is given up.
        keep: Versions whose params are kept, beside all that were ever served.
        max_disk: Bytes of the database above which unanswered decisions go early; 0 is none.
    """

    lease: timedelta = timedelta(seconds=30)
    memory_mb: int = 4096
    jobs: int = 1
    backend: str = ""
    attempts: int = 3
    keep: int = 10
    max_disk: int = 0


class LeaseLost(Exception):
    """Another trainer has taken over: nothing is written."""


@dataclass(slots=True)
class _Worker:
    lifecycle: Lifecycle
    options: Options
    owner: str = field(default_factory=lambda: f"{os.uname().nodename}:{os.getpid()}")

    @property
    def database(self) -> Database:
        if self.lifecycle.database is None:
            raise StorageError(self.lifecycle.trouble)
        return self.lifecycle.database

    async def tick(self) -> None:
        """Look at every learner once."""
        for live in self.lifecycle.lives.values():
            name = live.learner.name
            state = await due(live, self.database)
            if state.now:
                await self.database.run(
                    partial(runs.request_due, learner=name, reason=state.reason)
                )
            claimed = await self.database.run(
                partial(runs.claim, learner=name, owner=self.owner, lease=self.options.lease)
            )
            if claimed is not None:
                await self._run(live, *claimed)

    async def prune(self) -> None:
        """Forget old decisions about which nothing was told; outcomes are never dropped."""
        await self.database.run(partial(decisions.prune, age=KEPT))
        size = await self.database.run(decisions.size)
        if 0 < self.options.max_disk < size:
            logger.warning("database above its limit", bytes=size, limit=self.options.max_disk)
            await self.database.run(partial(decisions.prune, age=KEPT_WHEN_FULL))

    async def _run(self, live: Live, token: UUID, claim: Mapping[str, Any]) -> None:
        name = live.learner.name
        run = await self.database.run(
            partial(
                runs.start, learner=name, trigger=claim["reason"], revision=live.learner.revision
            )
        )
        logger.info("training", learner=name, run=run, reason=claim["reason"])
        try:
            with workplace() as directory:
                job = self._job(live, claim)
                await hand_over(self.database, live.learner, job, claim["incumbent"], directory)
                found = await trained(directory, partial(self._beat, live, claim["epoch"], token))
                await self._conclude(live, token, claim, run, found, directory)
        except anyio.get_cancelled_exc_class():
            await self._released(name, token, run)
            raise
        except LeaseLost:
            logger.warning("lease lost", learner=name, run=run)
        except (TrainingFailed, StorageError, OSError, ValueError) as error:
            # of a full disk, too: then files cannot be written, or are cut short
            if live.epoch > claim["epoch"]:  # the erasure has closed the run already
                logger.warning("training stopped: its rows were forgotten", learner=name, run=run)
                return
            await self._failed(name, token, claim, run, str(error))

    async def _released(self, name: str, token: UUID, run: int) -> None:
        """This process ends: give the lease back, so that another need not wait for it."""
        reason = "the process that trained ended; another takes over"
        with anyio.move_on_after(RELEASE_SECONDS, shield=True), suppress(StorageError):
            # By now the pool may be closing.
            async with self.database.apart() as connection:
                await runs.end(connection, run, result="failed", reason=reason)
                await runs.release(connection, name, token)

    async def _failed(
        self, name: str, token: UUID, claim: Mapping[str, Any], run: int, reason: str
    ) -> None:
        logger.error("training failed", learner=name, run=run, reason=reason)
        give_up = claim["attempt"] >= self.options.attempts
        wait = timedelta(seconds=2 ** claim["attempt"] * (1 + secrets.randbelow(1000) / 1000))
        given_up = claim["requested"] if give_up else 0
        await self.database.run(
            partial(
                _failed, learner=name, token=token, run=run, reason=reason, wait=wait,
                given_up=given_up,
            )
        )  # fmt: skip

    async def _beat(self, live: Live, epoch: int, token: UUID, child: Process) -> None:
        """Keep the lease alive; kill the child when it is lost, or has read what was forgotten."""
        name, pause = live.learner.name, self.options.lease.total_seconds() / 3
        beat_at = anyio.current_time() + pause
        while live.epoch <= epoch:
            await self.lifecycle.stirred(beat_at - anyio.current_time())
            if anyio.current_time() < beat_at:
                continue
            beat_at = anyio.current_time() + pause
            try:
                held = await self.database.run(
                    partial(runs.beat, learner=name, token=token, lease=self.options.lease)
                )
            except StorageError:
                continue  # the lease itself says when this has lasted too long
            if not held:
                break
        child.kill()

    def _job(self, live: Live, claim: Mapping[str, Any]) -> Job:
        return Job(
            learner=live.learner.name,
            revision=live.learner.revision,
            seed=secrets.randbelow(2**31),
            requested=claim["manual"],
            added=tuple(dict(entry) for entry in live.added),
            memory_mb=self.options.memory_mb,
            jobs=self.options.jobs,
            backend=self.options.backend,
            epoch=claim["epoch"],
            incumbent=claim["incumbent"],
            gate=live.learner.gate,
            retrain=live.learner.retrain,
        )

    async def _conclude(
        self,
        live: Live,
        token: UUID,
        claim: Mapping[str, Any],
        run: int,
        found: Found,
        directory: Path,
    ) -> None:
        params = directory / PARAMS
        data = params.read_bytes() if params.exists() else None
        snapshot = (directory / SNAPSHOT).read_bytes()
        conclude = partial(
            _concluded, live=live, token=token, claim=claim, run=run, found=found, params=data,
            snapshot=snapshot, keep=self.options.keep,
        )  # fmt: skip
        result = await self.database.run(conclude)
        logger.info(
            "trained", learner=live.learner.name, run=run, result=result, reason=found.reason
        )


async def _failed(
    connection: AnyConnection,
    *,
    learner: str,
    token: UUID,
    run: int,
    reason: str,
    wait: timedelta,
    given_up: int,
) -> None:
    """Close a failed run and release its lease; a request made meanwhile is not given up."""
    async with connection.transaction():
        held = await runs.fail(connection, learner, token, wait, given_up)
        settled = given_up if held and given_up else None
        await runs.end(connection, run, result="failed", reason=reason, settled=settled)


async def _concluded(
    connection: AnyConnection,
    *,
    live: Live,
    token: UUID,
    claim: Mapping[str, Any],
    run: int,
    found: Found,
    params: bytes | None,
    snapshot: bytes,
    keep: int,
) -> str:
    """Write everything in one transaction, and only while the lease is held."""
    learner = live.learner
    async with connection.transaction():
        if not await runs.finish(
            connection, learner.name, token, claim["requested"], claim["epoch"]
        ):
            raise LeaseLost
        number, result, reason = None, found.result, found.reason
        if params is not None:
            number = await versions.register(
                connection, learner.name, revision=learner.revision, candidate=found.candidate,
                params=params, report=found.report, lineage=found.lineage,
            )  # fmt: skip
        if result == "admitted" and learner.promotion == "automatic":
            result = "promoted"
            await versions.promote(connection, learner.name, number, by="gate", reason=reason)
        elif result == "admitted":
            result = "rejected"
            reason = f"admitted by the gate, waits to be promoted by hand: {reason}"
        await versions.strip(connection, learner.name, keep)
        await snapshots.write(
            connection, learner.name, learner.revision, claim["epoch"], found.memory_seq, snapshot
        )
        await runs.end(
            connection, run, result=result, reason=reason, number=number,
            outcomes=found.outcomes, distinct=found.distinct, missing=found.missing,
            memory_seq=found.memory_seq, accuracy=found.accuracy, report=found.report,
            catalogue=len(live.added), settled=claim["requested"],
        )  # fmt: skip
    return result


async def due(live: Live, database: Database, deadline: float = 10.0) -> Due:
    """Say whether a run of this learner is due, and why, or when it will be."""
    learner = live.learner
    row = await database.run(partial(runs.last_judged, learner=learner.name), deadline)
    last = None
    if row is not None:
        last = LastRun(
            outcomes=row["outcomes"],
            finished=row["finished_at"],
            revision=row["revision"],
            skipped=row["result"] == "skipped",
            missing=row["missing"],
            accuracy=row["accuracy"],
            catalogue=row["catalogue"],
        )
    return monitoring.due(
        learner.retrain,
        learner.evidence(live.fold.memory),
        last,
        revision=learner.revision,
        catalogue=len(live.added),
        at=datetime.now(UTC),
    )


async def work(lifecycle: Lifecycle, *, options: Options | None = None) -> None:
    """Train whatever is due, for as long as the process lives."""
    worker = _Worker(lifecycle, options or Options())
    await lifecycle.ready(float("inf"))
    pruned = float("-inf")
    while True:
        try:
            await worker.tick()
            if anyio.current_time() - pruned > PRUNE_SECONDS:
                await worker.prune()
                pruned = anyio.current_time()
        except (StorageError, OSError) as error:
            logger.warning("worker waits for the database", reason=str(error))
        await lifecycle.stirred(TICK_SECONDS)
        await anyio.sleep(SETTLE_SECONDS)
