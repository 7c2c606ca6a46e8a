"""Behind a pooler in transaction mode: everything works with the setting, and names it without."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from pooled import pgbouncer, pooled_url

from storage import log
from storage.database import Database, Where, open_database
from storage.embedded import Dsn, Lease
from storage.errors import WrongDatabase
from storage.migrations import migrate
from storage.pool import SESSION, Target, connection, external
from storage.rows import EventRow

pytestmark = pytest.mark.anyio

LEFT = """
select (select count(*) from pg_prepared_statements),
       (select count(*) from pg_listening_channels()),
       (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
       current_setting('statement_timeout'), current_setting('lock_timeout')
"""


@pytest.fixture(scope="session")
def port(database: Lease, scratch: Path) -> Iterator[int]:
    """Where PgBouncer listens."""
    with pgbouncer(database, scratch) as listens:
        yield listens


def outcome(number: int) -> EventRow:
    """A row of the log."""
    return EventRow(
        learner="coins", key=f"k{number}", outcome={"heads": 1}, query={"coin": "a"}, known=1.0,
        source="test", strength=0.9,
    )  # fmt: skip


async def left_behind(target: Target) -> list[tuple[object, ...]]:
    """What clients left in each of the three sessions that they took in turns."""
    found = list[tuple[object, ...]]()
    async with AsyncExitStack() as stack:
        for _ in range(3):
            session = await stack.enter_async_context(connection(target))
            await stack.enter_async_context(session.transaction())  # keeps it from the others
            found.append(tuple(await session.fetchrow(LEFT) or ()))
    return found


async def test_many_at_once_share_few_sessions(
    fresh_database: Dsn, tmp_path: Path, port: int
) -> None:
    where = Where(directory=tmp_path, url=pooled_url(fresh_database, port), pooler=True)
    opened: list[Database] = [await open_database(where) for _ in range(3)]

    async def tell(database: Database, number: int) -> None:
        await database.run(lambda session: log.append(session, (), [outcome(number)]))

    async with anyio.create_task_group() as group:
        for number in range(120):
            group.start_soon(tell, opened[number % 3], number)
    rows = await opened[0].run(lambda session: log.since(session, 0, 500))
    assert [row["seq"] for row in rows] == list(range(1, 121))
    assert rows[0]["outcome"] == {"heads": 1}
    assert await left_behind(opened[0].target) == [(0, 0, 0, "0", "0")] * 3
    for database in opened:
        await database.close()


@pytest.mark.parametrize("ignored", ["", ",".join(SESSION)])
async def test_a_pooler_that_no_setting_names_is_noticed(
    database: Lease, scratch: Path, fresh_database: Dsn, tmp_path: Path, ignored: str
) -> None:
    with pgbouncer(database, scratch, ignored=ignored) as listens:
        where = Where(directory=tmp_path, url=pooled_url(fresh_database, listens))
        with pytest.raises(WrongDatabase, match="Set FORESIGHT_DATABASE_POOLER=transaction"):
            await open_database(where)


async def test_a_migration_that_needs_a_session_names_the_setting(
    fresh_database: Dsn, tmp_path: Path, port: int
) -> None:
    (tmp_path / "0001_index.sql").write_text("-- no-transaction\nselect 1;\n")
    target = external(pooled_url(fresh_database, port), pooler=True)
    async with connection(target) as opened:
        with pytest.raises(WrongDatabase, match="FORESIGHT_DATABASE_DIRECT_URL"):
            await migrate(opened, tmp_path, session=False)
