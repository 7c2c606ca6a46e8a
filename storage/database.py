"""The database as the rest of the program uses it: open, work with retries, listen, heal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

from storage import migrations, pool
from storage.backup import dump_before_migration
from storage.embedded import Lease, attach
from storage.errors import StorageError, Unavailable, WrongDatabase

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record

    from storage.pool import AnyConnection, Target

T = TypeVar("T")

CHANNEL = "foresight"
CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where the rows are kept: in the embedded cluster of a directory, or behind a URL."""

    directory: Path
    url: str = ""
    pooler: bool = False
    direct_url: str = ""
    binaries: Path | None = None
    account: str | None = None


@dataclass(slots=True)
class Database:
    """An open database. ``run`` is how everything else works with it."""

    target: Target
    lease: Lease | None
    _pool: Pool[Record] = field(repr=False)

    async def run(self, work: Callable[[AnyConnection], Awaitable[T]], deadline: float = 10.0) -> T:
        """Do a unit of work on a connection, again if the connection breaks.

        Args:
            work: Whole and idempotent; it may be done twice.
            deadline: Seconds.

        Raises:
            Unavailable: Time is up.
            WrongDatabase: Its schema does not serve this program, or the server lets this process
                in no longer.
        """
        from asyncpg import SyntaxOrAccessError

        async def unit() -> T:
            if self._pool.is_closing():
                raise Unavailable("This process is ending. Ask the next one.")
            async with AsyncExitStack() as stack:
                with pool.refusals(self.target):
                    connection = await stack.enter_async_context(self._pool.acquire())
                try:
                    await migrations.fence(connection)
                    return await work(connection)
                except SyntaxOrAccessError as error:
                    raise await _reason(connection, error) from error

        return await pool.retry(unit, deadline)

    @asynccontextmanager
    async def apart(self) -> AsyncGenerator[Connection[Record]]:
        """Open a connection of one's own, which closing this database does not take away.

        Raises:
            Unavailable: The server did not answer.
            WrongDatabase: As ``run``.
        """
        async with pool.connection(self.target) as connection:
            await migrations.fence(connection)
            yield connection

    @asynccontextmanager
    async def listening(self, wake: Callable[[str], None]) -> AsyncGenerator[Callable[[], bool]]:
        """Call ``wake`` with each notice while the block runs; yields whether it still listens.

        Raises:
            Unavailable: Only a pooler leads to the server, or it does not answer: poll.
        """
        if not self.target.listens:
            raise Unavailable("Behind a transaction pooler there is no LISTEN; polling instead.")
        async with pool.connection(self.target) as connection:

            def heard(_connection: object, _pid: int, _channel: str, payload: object) -> None:
                wake(str(payload))

            await connection.add_listener(CHANNEL, heard)
            connection.add_termination_listener(lambda _connection: wake("lost"))
            yield lambda: not connection.is_closed()

    async def heal(self) -> None:
        """Start the embedded server again if it was killed."""
        if self.lease is not None:
            await to_thread.run_sync(self.lease.revive, abandon_on_cancel=True)

    async def close(self) -> None:
        """Give everything back. Nobody waits for the embedded server to stop."""
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await self._pool.close()  # lets what is under way end
        self._pool.terminate()
        if self.lease is not None:
            self.lease.release()


async def open_database(where: Where) -> Database:
    """Start or join the database and bring its schema up to date.

    Raises:
        Unavailable: It cannot be reached or started; the text says what to do.
        WrongDatabase: It is not one that this program can use.
    """
    if where.url:
        target = pool.external(where.url, pooler=where.pooler, direct_url=where.direct_url or None)
        return await _opened(target, None)
    call = partial(attach, where.directory, binaries=where.binaries, account=where.account)
    lease = await to_thread.run_sync(call)
    try:
        return await _opened(pool.embedded(dict(lease.dsn)), lease)
    except BaseException:
        lease.release()
        raise


async def _opened(target: Target, lease: Lease | None) -> Database:
    async def before() -> None:
        if lease is not None:
            await to_thread.run_sync(dump_before_migration, lease)

    try:
        async with pool.connection(target, statement_timeout="0") as connection:
            await migrations.migrate(connection, before=before, session=target.listens)
        return Database(target, lease, await pool.open_pool(target))
    except Exception as error:
        if isinstance(error, StorageError) or not pool.transient(error):
            raise
        raise Unavailable(
            f"The database broke off while it was opened: {error!r}. Try again; `foresight doctor` "
            "shows whether it runs."
        ) from error


async def _reason(connection: AnyConnection, error: Exception) -> WrongDatabase:
    """Say why the database has other tables than this program's statements name."""
    from asyncpg import SyntaxOrAccessError

    try:
        await migrations.fence(connection)  # a newer program may have changed it a moment ago
    except WrongDatabase as outgrown:
        return outgrown
    except SyntaxOrAccessError:
        pass  # that table is not there either
    return WrongDatabase(
        f"The tables of the database are not what this program expects: {error}. Restore a dump "
        "with `foresight db restore`, or name another database in FORESIGHT_DATABASE_URL."
    )
