"""Bring a database to the schema of this program: numbered SQL files, applied once and in order.

A file is `NNNN_name.sql`, numbered without gaps and never edited once applied. Its first lines may
say, as comments:

* `-- serves: NNNN`  the oldest schema version whose programs still work after it (its own number
  when it says nothing). An older running program goes on unless it is older than that.
* `-- no-transaction`  what it does cannot be done in a transaction (CREATE INDEX CONCURRENTLY),
  nor through a pooler. Each statement ends a line with a semicolon, and doing it twice must do no
  harm.

Write additions first and removals one release later, in words that PostgreSQL 15 understands.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from storage.errors import Unavailable, WrongDatabase
from storage.queries import QUERIES

if TYPE_CHECKING:
    from storage.pool import AnyConnection

DIRECTORY = Path(__file__).with_name("migrations")
KEY = 0x466F726573696768  # "Foresigh": the advisory lock of whoever migrates
LOCK_SECONDS = 60.0  # how long to wait for another process that migrates
FILE_SECONDS = 3600.0  # how long one file may take
POLL = 0.1  # seconds between two attempts at the lock
NAME = re.compile(r"(\d{4})_(\w+)\.sql")
SERVES = re.compile(r"^-- serves: (\d{4})$", re.MULTILINE)
NO_TRANSACTION = re.compile(r"^-- no-transaction$", re.MULTILINE)
STATEMENT_END = re.compile(r";[ \t]*(?:\n|$)")

TABLE = """
create table if not exists schema_migrations (
    version integer primary key,
    name text not null,
    sha256 text not null,
    serves integer not null,
    applied_at timestamptz not null default now(),
    ms real not null
)
"""
INSERT = """
insert into schema_migrations (version, name, sha256, serves, ms) values ($1, $2, $3, $4, $5)
on conflict (version) do nothing
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    version: int
    name: str
    sql: str
    sha256: str  # of the text with line ends as LF, so that a checkout on Windows has the same
    serves: int
    transactional: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of `schema_migrations`."""

    version: int
    sha256: str
    serves: int


def read(directory: Path = DIRECTORY) -> tuple[Migration, ...]:
    """Return the files of a directory in order.

    Raises:
        WrongDatabase: A number is missing or doubled, or a declaration contradicts another; the
            installation is broken.
    """
    found = sorted(_migration(path) for path in directory.glob("*.sql"))
    migrations = tuple(migration for _, migration in found)
    numbers = [migration.version for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise WrongDatabase(
            f"Expected migrations numbered 1 to {len(numbers)} in {directory}, found {numbers}. "
            "Reinstall Foresight."
        )
    serves = [migration.serves for migration in migrations]
    if serves != sorted(serves) or any(one.serves > one.version for one in migrations):
        raise WrongDatabase(
            f"Expected `serves` never to fall nor to exceed the file's number, found {serves} in "
            f"{directory}. Reinstall Foresight."
        )
    return migrations


async def migrate(
    connection: AnyConnection,
    directory: Path = DIRECTORY,
    *,
    before: Callable[[], Awaitable[None]] | None = None,
    session: bool = True,
) -> int:
    """Apply what is missing and return the schema version of the database.

    Any number of processes may do so at once; each file is applied by one of them. The version is
    above that of the directory when a newer program came first and still serves this one.

    Args:
        connection: Nothing may be open on it.
        directory: The files.
        before: Awaited once before the first change to a database that has a schema: the dump.
        session: Whether the connection has a session of its own, as behind a pooler it has not.

    Raises:
        WrongDatabase: As `check`, the files are not a sequence, or one needs a session.
        Unavailable: Another process has been migrating for LOCK_SECONDS.
    """
    migrations = read(directory)
    while True:
        async with _locked(connection):
            await connection.execute(TABLE)
            applied = await _applied(connection)
            version = _compare(applied, migrations)
            if version >= len(migrations):
                return version
            if applied and before is not None:
                await before()
            before = None
            following = migrations[version]
            if not (following.transactional or session):
                raise WrongDatabase(
                    f"Migration {following.version:04} cannot be applied through a pooler. Name "
                    "the server itself in FORESIGHT_DATABASE_DIRECT_URL, then start again."
                )
            if following.transactional:
                started = time.monotonic()
                await connection.execute(following.sql, timeout=FILE_SECONDS)
                await _record(connection, following, started)
        if not following.transactional:
            await _apply_outside(connection, following)


async def check(connection: AnyConnection, directory: Path = DIRECTORY) -> int:
    """Return the schema version of the database, changing nothing.

    Raises:
        WrongDatabase: The database has a schema that no longer serves this program, or one that
            came from other files.
    """
    exists = await connection.fetchval("select to_regclass('schema_migrations') is not null")
    applied = await _applied(connection) if exists else ()
    return _compare(applied, read(directory))


@cache
def _known() -> int:
    """Return the schema version of this program: what it was when it started."""
    return len(read())


async def fence(connection: AnyConnection) -> None:
    """Let this program go on only while the schema, whoever changed it meanwhile, serves it.

    Raises:
        WrongDatabase: A newer program has changed the schema too much.
    """
    row = await connection.fetchrow(QUERIES["schema"])
    if row is not None and row["serves"] > _known():
        raise _outgrown(row["version"], row["serves"], _known())


def _outgrown(version: int, serves: int, known: int) -> WrongDatabase:
    return WrongDatabase(
        f"A newer Foresight has changed the database: its schema version {version} serves programs "
        f"from version {serves} on, this one knows {known}. Restart this process; if it says so "
        "again, update Foresight."
    )


def _compare(applied: Sequence[Applied], migrations: Sequence[Migration]) -> int:
    """Return the version of the database, refusing one that does not fit the files."""
    known = len(migrations)
    for row, migration in zip(applied, migrations, strict=False):
        if (row.version, row.sha256) != (migration.version, migration.sha256):
            raise WrongDatabase(
                f"Migration {migration.version:04} of this program is not the one that the "
                "database applied: the file was edited, or the database is another program's. "
                "Reinstall Foresight, or name another database in FORESIGHT_DATABASE_URL."
            )
    version = applied[-1].version if applied else 0
    if version > known and applied[-1].serves > known:
        raise _outgrown(version, applied[-1].serves, known)
    return version


def _migration(path: Path) -> tuple[str, Migration]:
    match = NAME.fullmatch(path.name)
    if match is None:
        raise WrongDatabase(
            f"Expected migrations named NNNN_name.sql, found {path}. Reinstall Foresight."
        )
    sql = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    head = _head(sql.splitlines())
    serves = SERVES.search(head)
    version = int(match[1])
    return path.name, Migration(
        version=version,
        name=match[2],
        sql=sql,
        sha256=hashlib.sha256(sql.encode()).hexdigest(),
        serves=int(serves[1]) if serves else version,
        transactional=NO_TRANSACTION.search(head) is None,
    )


def _head(lines: Iterable[str]) -> str:
    """Return the comments that a file begins with."""
    head: list[str] = []
    for line in lines:
        if line and not line.startswith("--"):
            break
        head.append(line.rstrip())
    return "\n".join(head)


async def _applied(connection: AnyConnection) -> tuple[Applied, ...]:
    rows = await connection.fetch(
        "select version, sha256, serves from schema_migrations order by version"
    )
    return tuple(Applied(row["version"], row["sha256"], row["serves"]) for row in rows)


async def _record(connection: AnyConnection, migration: Migration, started: float) -> None:
    milliseconds = 1000 * (time.monotonic() - started)
    await connection.execute(
        INSERT,
        migration.version,
        migration.name,
        migration.sha256,
        migration.serves,
        milliseconds,
    )
    await connection.execute(QUERIES["notify"], "schema")


@asynccontextmanager
async def _locked(connection: AnyConnection) -> AsyncGenerator[None, None]:
    """Hold the lock for one transaction, which the block's end commits.

    The lock is tried for, not waited for: a waiting statement would hold a snapshot, and CREATE
    INDEX CONCURRENTLY of the process that has the lock waits for all snapshots to go.
    """
    until = anyio.current_time() + LOCK_SECONDS
    while True:
        async with connection.transaction():
            if await connection.fetchval("select pg_try_advisory_xact_lock($1)", KEY):
                await connection.execute(
                    "set local lock_timeout = '5s'; set local statement_timeout = 0;"
                    "set local idle_in_transaction_session_timeout = 0"
                )
                yield
                return
        await _pause(until)


async def _apply_outside(connection: AnyConnection, migration: Migration) -> None:
    until = anyio.current_time() + LOCK_SECONDS
    while not await connection.fetchval("select pg_try_advisory_lock($1)", KEY):
        await _pause(until)
    try:
        await connection.execute("set statement_timeout = 0")
        started = time.monotonic()
        for statement in STATEMENT_END.split(migration.sql):
            if statement.strip():
                await connection.execute(statement, timeout=FILE_SECONDS)
        await _record(connection, migration, started)
    finally:
        await connection.execute("reset statement_timeout")
        await connection.fetchval("select pg_advisory_unlock($1)", KEY)


async def _pause(until: float) -> None:
    if anyio.current_time() > until:
        raise Unavailable(
            f"Another process has been changing the database's schema for {LOCK_SECONDS:.0f} s. "
            "Wait for it to end, then try again."
        )
    await anyio.sleep(POLL)
