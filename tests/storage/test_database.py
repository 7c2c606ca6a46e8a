"""The database as the rest of the program uses it."""

import os
import signal
from pathlib import Path

import anyio
import pytest
from rig import open_database
from served import url_of

from storage.backup import dump
from storage.database import Where
from storage.database import open_database as opened
from storage.embedded import Dsn, Lease, status, stop
from storage.errors import Unavailable, WrongDatabase
from storage.pool import connection, embedded

pytestmark = pytest.mark.anyio


async def test_a_closed_database_says_that_the_process_is_ending(fresh_database: Dsn) -> None:
    database = await open_database(fresh_database)
    await database.close()
    with pytest.raises(Unavailable, match="This process is ending"):
        await database.run(lambda connection: connection.fetchval("select 1"))


async def test_where_only_a_pooler_leads_there_is_no_listening(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    where = Where(directory=tmp_path, url=url_of(fresh_database), pooler=True)
    database = await opened(where)
    with pytest.raises(Unavailable, match="polling instead"):
        async with database.listening(lambda _: None):
            raise AssertionError
    await database.heal()  # nothing of ours to start
    await database.close()


async def test_an_embedded_database_is_started_again_when_it_heals(
    warm: Path,
) -> None:
    database = await opened(Where(directory=warm))
    assert await database.run(lambda connection: connection.fetchval("select 1")) == 1
    with anyio.fail_after(30):
        assert await anyio.to_thread.run_sync(stop, warm)
        await database.heal()
    assert status(warm).running
    assert await database.run(lambda connection: connection.fetchval("select 1")) == 1
    await database.close()


async def test_a_database_that_cannot_be_used_gives_its_share_of_the_server_back(
    warm: Path,
) -> None:
    database = await opened(Where(directory=warm))
    await database.run(
        lambda connection: connection.execute("update schema_migrations set sha256 = 'other'")
    )
    await database.close()
    with pytest.raises(WrongDatabase):
        await opened(Where(directory=warm))
    with anyio.fail_after(15):
        while status(warm).running:
            await anyio.sleep(0.02)


async def test_a_database_behind_a_url_without_a_password_is_dumped(
    database: Lease, fresh_database: Dsn, tmp_path: Path
) -> None:
    file = await anyio.to_thread.run_sync(
        dump, url_of(fresh_database), tmp_path / "one.dump", database.binaries
    )
    assert file.stat().st_size > 0


async def test_closing_does_not_wait_for_a_server_process_that_hangs(fresh_database: Dsn) -> None:
    pid = 0
    try:
        with anyio.fail_after(10):
            async with connection(embedded(dict(fresh_database))) as one:
                pid = await one.fetchval("select pg_backend_pid()")
                os.kill(pid, signal.SIGSTOP)
    finally:
        os.kill(pid, signal.SIGCONT)
