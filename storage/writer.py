"""The group-commit writer: many callers share one flush.

No timer for outcomes: what arrives while one batch is being committed is the next batch. So a lone
caller waits for one commit and many callers share it. Decisions, which nobody waits for, linger.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio

from storage.errors import Refused, StorageError, Unavailable
from storage.rows import DecisionRow, EventRow, Stored

BATCH: Final = 500
MOST_DECISIONS: Final = 20_000  # advice given while the database is away; the oldest go first
MOST_WAITING: Final = 10_000
LINGER_SECONDS: Final = 0.03
PAUSE_SECONDS: Final = 0.2  # before the next attempt

logger = logging.getLogger("foresight.storage")

Append = Callable[[Sequence[DecisionRow], Sequence[EventRow]], Awaitable[list[Stored]]]


@dataclass(slots=True)
class _Waiter:
    rows: Sequence[EventRow]
    done: anyio.Event = field(default_factory=anyio.Event)
    result: list[Stored] | None = None
    error: Exception | None = None
    left: bool = False  # its caller waits no longer


@dataclass(slots=True)
class Writer:
    """Buffers decisions and outcomes; ``run`` writes them, with retries, until cancelled."""

    append: Append
    dropped: int = 0
    _decisions: deque[DecisionRow] = field(default_factory=deque[DecisionRow])
    _waiting: deque[_Waiter] = field(default_factory=deque[_Waiter])
    _wake: anyio.Event = field(default_factory=anyio.Event)
    _told: anyio.Event = field(default_factory=anyio.Event)

    def decide(self, row: DecisionRow) -> None:
        """Buffer a decision: never waits, never fails."""
        if len(self._decisions) >= MOST_DECISIONS:
            self._decisions.popleft()
            self.dropped += 1
        self._decisions.append(row)
        self._wake.set()

    async def tell(self, rows: Sequence[EventRow], deadline: float) -> list[Stored]:
        """Write outcomes and return what became of them once they are on disk.

        Args:
            deadline: Seconds to wait for the database.

        Raises:
            Unavailable: Not stored in time; the same call with the same keys may follow.
            Refused: The values themselves cannot be stored.
            StorageError: Not stored, for the reason that the database gave.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable(f"{MOST_WAITING} outcomes are waiting to be written")
        waiter = _Waiter(rows)
        self._waiting.append(waiter)
        self._wake.set()
        self._told.set()
        with anyio.move_on_after(deadline):
            await waiter.done.wait()
        waiter.left = True
        if waiter.result is not None:
            return waiter.result
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        if waiter.error is not None and not isinstance(waiter.error, StorageError):
            raise Refused(
                f"the database refuses these values ({_kind(waiter.error)}); to repeat them will "
                "not help, simpler ones may"
            ) from waiter.error
        if waiter.error is not None:
            raise type(waiter.error)(str(waiter.error)) from waiter.error  # others get theirs
        raise Unavailable(f"the database did not confirm within {deadline:g} s")

    async def flush(self, deadline: float) -> bool:
        """Wait until everything buffered so far is written; False when it took too long."""
        with anyio.move_on_after(deadline):
            await self.tell((), deadline)
            return True
        return False

    async def run(self) -> None:
        """Write batch after batch. The append given retries by itself; its errors reach callers."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            while self._decisions or self._waiting:
                if not self._waiting and len(self._decisions) < BATCH:
                    # Nobody waits for decisions: let a few come together, or somebody tell.
                    with anyio.move_on_after(LINGER_SECONDS):
                        await self._told.wait()
                self._told = anyio.Event()
                await self._write()

    async def _write(self) -> None:
        decisions = [self._decisions.popleft() for _ in range(min(BATCH, len(self._decisions)))]
        waiters = list[_Waiter]()
        size = 0
        # A caller's outcomes may name decisions that are still behind them in the buffer.
        while self._waiting and size < BATCH and not self._decisions:
            waiters.append(self._waiting.popleft())
            size += len(waiters[-1].rows)
        rows = [row for waiter in waiters for row in waiter.rows]
        try:
            results = iter(await self.append(decisions, rows))
        except Unavailable as error:  # callers wait for as long as they said
            self._decisions.extendleft(reversed(decisions))
            for waiter in reversed(waiters):
                waiter.error = error
                if not waiter.left:
                    self._waiting.appendleft(waiter)
            await anyio.sleep(PAUSE_SECONDS)
            return
        except StorageError as error:
            self._decisions.extendleft(reversed(decisions))
            for waiter in waiters:
                waiter.error = error
                waiter.done.set()
            await anyio.sleep(PAUSE_SECONDS)
            return
        except Exception as error:  # noqa: BLE001  one refused row must not take the others along
            logger.error("rows refused by the database: %s", _kind(error))
            await self._write_apart(decisions, waiters)
            return
        for waiter in waiters:
            waiter.result = [next(results) for _ in waiter.rows]
            waiter.done.set()

    async def _write_apart(
        self, decisions: Sequence[DecisionRow], waiters: Sequence[_Waiter]
    ) -> None:
        """Write each alone; a decision that is refused again is dropped, not tried for ever."""
        for i, decision in enumerate(decisions):
            try:
                await self.append([decision], ())
            except StorageError:
                self._decisions.extendleft(reversed(decisions[i:]))
                break
            except Exception as error:  # noqa: BLE001  advice was given; only its record is lost
                self.dropped += 1
                logger.error("decision %s cannot be stored: %s", decision.id, _kind(error))
        for waiter in waiters:
            try:
                waiter.result = await self.append((), waiter.rows)
            except Exception as error:  # noqa: BLE001  whatever it is, its caller hears of it
                waiter.error = error
            waiter.done.set()


def _kind(error: Exception) -> str:
    """Return what went wrong without the values, which are the caller's."""
    return f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".strip()
