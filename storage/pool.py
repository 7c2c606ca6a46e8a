"""Connections to the database, and what to do when one breaks.

    target = embedded(lease.dsn)                      # or external("postgresql://…")
    pool = await open_pool(target)
    rows = await retry(lambda: pool.fetch("select 1"), deadline=10)

Only this module opens connections. It imports asyncpg when the first one is opened, so that a
process that never connects does not pay for it.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import anyio

from storage.errors import StorageError, Unavailable, WrongDatabase

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    AnyConnection = Connection[Record] | PoolConnectionProxy[Record]

OLDEST_MAJOR = 15
SMALLEST, LARGEST = 1, 8  # connections of a pool
CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 30.0  # longer than statement_timeout, so that the server answers first
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0  # seconds, the bounds of a pause before a retry
SESSION = {
    "application_name": "foresight",
    "statement_timeout": "15s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "15s",
}
TRANSIENT = frozenset(
    {
        *("08000", "08001", "08003", "08004", "08006"),  # the connection broke
        *("40001", "40P01", "55P03"),  # another transaction won
        *("57P01", "57P02", "57P03"),  # the server stops or starts
        *("53000", "53100", "53200", "53300"),  # out of disk, memory or connections
        *("58000", "58030"),  # the system below it fails
    }
)

# what a pooler in transaction mode makes of a session: no settings, statements of somebody else
POOLED = frozenset({"26000", "42P05"})

LOST = ("connection is closed", "released back to the pool")  # texts, having no code

BEHIND_A_POOLER = (
    "Between here and the database stands a pooler that does not keep sessions. Set "
    "FORESIGHT_DATABASE_POOLER=transaction and, for news within milliseconds, the server's own "
    "address in FORESIGHT_DATABASE_DIRECT_URL."
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Which database to connect to, and by which of two ways.

    Attributes:
        connect: Arguments of `asyncpg.connect` for ordinary work.
        direct: Arguments for LISTEN and migrations; None when only a pooler leads to the server.
        pooler: Whether `connect` leads through a pooler that gives each transaction another
            session, as PgBouncer does in transaction mode.
    """

    connect: Mapping[str, object]
    direct: Mapping[str, object] | None
    pooler: bool = False

    @property
    def listens(self) -> bool:
        """Whether LISTEN works; where it does not, poll."""
        return self.direct is not None

    @property
    def label(self) -> str:
        """Return the target as a log or a message may show it: without its password."""
        if "dsn" not in self.connect:
            return f"{self.connect.get('host')} ({self.connect.get('database')})"
        parts = urlsplit(str(self.connect["dsn"]))
        return f"{parts.hostname or 'socket'}:{parts.port or 5432}{parts.path}"


def embedded(dsn: Mapping[str, object]) -> Target:
    """Return the target of an embedded server's lease."""
    connect = {**dsn, "target_session_attrs": "any"}
    return Target(connect, connect)


def external(url: str, *, pooler: bool = False, direct_url: str | None = None) -> Target:
    """Return the target that the user's URL names.

    Args:
        url: `postgresql://user:password@host:port/database`.
        pooler: Whether it leads through a pooler in transaction mode.
        direct_url: Past that pooler, straight to the server.
    """
    connect = {"dsn": url}
    direct = {"dsn": direct_url} if direct_url else None if pooler else connect
    return Target(connect, direct, pooler)


async def open_pool(target: Target, *, largest: int = LARGEST) -> Pool[Record]:
    """Open a pool and prove with one connection that the server will do.

    Raises:
        Unavailable: The server did not answer.
        WrongDatabase: It is too old, or refused the name, the password or the database.
    """
    from asyncpg import create_pool

    # it reports every failed attempt to replace a lost connection, with a traceback
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
    arguments = _arguments(target.connect, pooler=target.pooler)
    try:
        return await create_pool(
            **arguments,
            min_size=min(SMALLEST, largest),
            max_size=largest,
            init=_prepare if target.pooler else _prepare_session,
            reset=_left_clean,
        )
    except Exception as error:
        raise _refusal(target, error) from error


@asynccontextmanager
async def connection(target: Target, **session: str) -> AsyncGenerator[Connection[Record], None]:
    """Open one connection outside any pool, past the pooler where there is a way.

    Args:
        target: The database.
        session: Settings of the session that differ from the usual ones, for instance
            `statement_timeout="0"`; ignored behind a pooler, which would hand them to others.

    Raises:
        Unavailable: The server did not answer.
        WrongDatabase: It is too old, or refused the name, the password or the database.
    """
    from asyncpg import connect

    arguments = _arguments(target.direct or target.connect, pooler=not target.listens)
    if target.listens:
        arguments["server_settings"] = SESSION | session
    try:
        opened = await connect(**arguments)
    except Exception as error:
        raise _refusal(target, error) from error
    try:
        try:
            await (_prepare_session if target.listens else _prepare)(opened)
        except Exception as error:
            raise _refusal(target, error) from error
        yield opened
    finally:
        with anyio.CancelScope(shield=True):
            await _close(opened)


def transient(error: BaseException) -> bool:
    """Return whether the same unit of work, done again, may succeed."""
    from asyncpg import (
        InterfaceError,
        InternalClientError,
        InvalidCachedStatementError,
        PostgresError,
    )

    if isinstance(error, (OSError, InternalClientError, InvalidCachedStatementError)):
        return True
    if isinstance(error, InterfaceError):
        return any(lost in str(error) for lost in LOST)
    return isinstance(error, PostgresError) and error.sqlstate in TRANSIENT


async def retry(unit: Callable[[], Awaitable[T]], deadline: float) -> T:
    """Repeat a unit of work until it succeeds, fails for good or runs out of time.

    Args:
        unit: A whole transaction that may be done twice, because a connection that is lost at
            COMMIT leaves the outcome unknown: give each row a key made by the client.
        deadline: Seconds from now.

    Raises:
        Unavailable: Time is up.
    """
    until = anyio.current_time() + deadline
    pause = FIRST_PAUSE
    jitter = secrets.SystemRandom()
    while True:
        try:
            with anyio.fail_after(max(0.0, until - anyio.current_time())):
                return await unit()
        except Exception as error:
            wait = jitter.uniform(0, pause)
            if not transient(error):
                raise
            if anyio.current_time() + wait >= until:
                raise Unavailable(
                    f"The database did not do its work within {deadline:g} s: {error!r}. Try "
                    "again; `foresight doctor` shows whether it runs."
                ) from error
        await anyio.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE)


def _arguments(address: Mapping[str, object], *, pooler: bool) -> dict[str, Any]:
    limits: dict[str, Any] = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
    # behind a pooler neither prepared statements nor settings stay with their session
    rest: dict[str, Any] = {"statement_cache_size": 0} if pooler else {"server_settings": SESSION}
    return {**address, **limits, **rest}


async def _prepare(opened: AnyConnection) -> None:
    major = opened.get_server_version().major
    if major < OLDEST_MAJOR:
        raise WrongDatabase(
            f"Expected PostgreSQL {OLDEST_MAJOR} or newer, found {major}. Upgrade the server or "
            "name another one in FORESIGHT_DATABASE_URL."
        )
    await opened.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_json, decoder=json.loads, format="text"
    )


async def _prepare_session(opened: AnyConnection) -> None:
    """Prepare a connection that has a session of its own, which is proved by a setting of it."""
    if await opened.fetchval("show lock_timeout") != SESSION["lock_timeout"]:
        raise WrongDatabase(BEHIND_A_POOLER)
    await _prepare(opened)


async def _left_clean(_: AnyConnection) -> None:
    """No work leaves anything in its session, and the driver ends what is open by itself."""


def _to_json(value: object) -> str:
    return json.dumps(value, allow_nan=False)


async def _close(opened: Connection[Record]) -> None:
    try:
        await opened.close(timeout=5)
    except Exception as error:
        if not transient(error):
            raise
        opened.terminate()


@contextmanager
def refusals(target: Target) -> Generator[None, None, None]:
    """Give a connection that is refused for good, and was not before, the words of this package.

    Raises:
        WrongDatabase: It is; what may pass is left as it is, for `retry`.
    """
    from asyncpg import PostgresError

    try:
        yield
    except PostgresError as error:
        if transient(error):
            raise
        raise _refusal(target, error) from error


def _refusal(target: Target, error: Exception) -> Exception:
    if isinstance(error, StorageError):
        return error
    state = getattr(error, "sqlstate", "")
    if state in POOLED or "unsupported startup parameter" in str(error):
        return WrongDatabase(BEHIND_A_POOLER)
    if transient(error):
        return Unavailable(
            f"The database at {target.label} does not answer: {error!r}. Start it, or correct "
            "FORESIGHT_DATABASE_URL; `foresight doctor` shows what was tried."
        )
    return WrongDatabase(
        f"The database at {target.label} refused the connection: {error}. Correct the user, the "
        "password or the database in FORESIGHT_DATABASE_URL."
    )
