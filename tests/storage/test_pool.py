"""Connections: what they can carry, which errors pass, and where they lead."""

import json
from functools import partial
from pathlib import Path

import anyio
import asyncpg
import pytest
from anyio import to_thread

from storage.embedded import Dsn, attach, stop
from storage.errors import Unavailable, WrongDatabase
from storage.pool import connection, embedded, external, open_pool, retry, transient

pytestmark = pytest.mark.anyio


def url(dsn: Dsn, password: str = "") -> str:
    """The URL of a database in an embedded server."""
    return (
        f"postgresql://{dsn['user']}:{password}@/{dsn['database']}"
        f"?host={dsn['host']}&port={dsn['port']}"
    )


async def test_json_comes_back_as_it_went_in(fresh_database: Dsn) -> None:
    value = {"a": [1, 2.5, None, True], "ü": {"nested": "text"}}
    pool = await open_pool(embedded(fresh_database))
    try:
        assert await pool.fetchval("select $1::jsonb", value) == value
        assert json.loads(await pool.fetchval("select ($1::jsonb)::text", value)) == value
    finally:
        await pool.close()


async def test_numbers_that_json_does_not_have_are_refused(fresh_database: Dsn) -> None:
    async with connection(embedded(fresh_database)) as opened:
        with pytest.raises(asyncpg.DataError):
            await opened.fetchval("select $1::jsonb", {"x": float("nan")})


async def test_a_session_limits_how_long_it_may_hold_things_up(fresh_database: Dsn) -> None:
    async with connection(embedded(fresh_database)) as opened:
        assert await opened.fetchval("show statement_timeout") == "15s"
        assert await opened.fetchval("show lock_timeout") == "3s"
        assert await opened.fetchval("show idle_in_transaction_session_timeout") == "15s"
        assert await opened.fetchval("show application_name") == "foresight"
    async with connection(embedded(fresh_database), statement_timeout="0") as opened:
        assert await opened.fetchval("show statement_timeout") == "0"


async def test_nothing_is_left_in_the_session_behind_a_pooler(fresh_database: Dsn) -> None:
    target = external(url(fresh_database), pooler=True)
    assert not target.listens
    async with connection(target) as opened:
        assert await opened.fetchval("show statement_timeout") == "0"
        await opened.fetchval("select 1")
        assert await opened.fetchval("select count(*) from pg_prepared_statements") == 0


async def test_a_direct_url_leads_past_the_pooler(fresh_database: Dsn) -> None:
    target = external("postgresql://pooler.invalid/x", pooler=True, direct_url=url(fresh_database))
    assert target.listens
    async with connection(target) as opened:
        assert await opened.fetchval("show application_name") == "foresight"


async def test_a_label_hides_the_password() -> None:
    target = external("postgresql://me:secret@db.example:6432/app")
    assert target.label == "db.example:6432/app"


async def test_a_server_that_is_not_there_is_unavailable(directory: Path) -> None:
    nobody = external(f"postgresql://x@/x?host={directory}")
    with pytest.raises(Unavailable, match="does not answer"):
        await open_pool(nobody)
    with pytest.raises(Unavailable, match="does not answer"):
        async with connection(nobody):
            pass


async def test_a_database_that_is_not_there_is_wrong(fresh_database: Dsn) -> None:
    fresh_database["database"] = "nosuchdatabase"
    with pytest.raises(WrongDatabase, match="nosuchdatabase"):
        await open_pool(embedded(fresh_database))


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(), True),
        (TimeoutError(), True),
        (asyncpg.InternalClientError("cannot switch to state 1"), True),
        (asyncpg.InterfaceError("the underlying connection is closed"), True),
        (asyncpg.InterfaceError("pool is closing"), False),
        (asyncpg.InvalidCachedStatementError(), True),
        (asyncpg.CannotConnectNowError(), True),
        (asyncpg.DeadlockDetectedError(), True),
        (asyncpg.DiskFullError(), True),
        (asyncpg.QueryCanceledError(), False),
        (asyncpg.UniqueViolationError(), False),
        (ValueError(), False),
    ],
    ids=repr,
)
async def test_an_error_passes_when_the_same_work_may_succeed_later(
    error: Exception, passes: bool
) -> None:
    assert transient(error) is passes


async def test_retry_carries_work_across_a_restart_of_the_server(warm: Path) -> None:
    lease = await to_thread.run_sync(attach, warm)
    pool = await open_pool(embedded(lease.dsn))
    await pool.execute("create table written (key integer primary key)")
    restarted = anyio.Event()

    async def write_all() -> int:
        key = 0
        while not restarted.is_set() or key < 200:
            key += 1
            insert = "insert into written values ($1) on conflict do nothing"
            await retry(partial(pool.execute, insert, key), deadline=20)
        return key

    async def restart() -> None:
        await to_thread.run_sync(stop, warm)
        await to_thread.run_sync(lease.revive)
        restarted.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(restart)
        written = await write_all()
        assert await pool.fetchval("select count(*) from written") == written
    await pool.close()
    lease.release()


async def test_retry_gives_up_at_its_deadline() -> None:
    async def fail() -> None:
        raise ConnectionRefusedError

    started = anyio.current_time()
    with pytest.raises(Unavailable, match="Try again"):
        await retry(fail, deadline=0.2)
    assert anyio.current_time() - started < 1


async def test_retry_interrupts_work_that_hangs() -> None:
    with pytest.raises(Unavailable):
        await retry(anyio.sleep_forever, deadline=0.1)


async def test_retry_does_not_repeat_a_mistake() -> None:
    calls: list[int] = []

    async def wrong() -> None:
        calls.append(1)
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        await retry(wrong, deadline=5)
    assert calls == [1]


async def test_a_pool_survives_the_loss_of_its_connections(fresh_database: Dsn) -> None:
    pool = await open_pool(embedded(fresh_database))
    try:
        async with connection(embedded(fresh_database)) as killer:
            await killer.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        assert await retry(lambda: pool.fetchval("select 1"), deadline=10) == 1
    finally:
        await pool.close()
