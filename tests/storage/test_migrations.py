"""Migrations: each file once, in order, whole or not at all, and never the wrong ones."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import asyncpg
import pytest
from rig import open_database

from storage.embedded import Dsn
from storage.errors import WrongDatabase
from storage.migrations import DIRECTORY, check, migrate, read
from storage.pool import connection, embedded

if TYPE_CHECKING:
    from storage.pool import AnyConnection

pytestmark = pytest.mark.anyio
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write migrations, the first text as number 1, and return their directory."""

    def files(*texts: str, first: int = 1) -> Path:
        for number, text in enumerate(texts, first):
            (tmp_path / f"{number:04}_step.sql").write_text(text)
        return tmp_path

    return files


async def run(dsn: Dsn, directory: Path) -> int:
    """Migrate over a connection of its own."""
    async with connection(embedded(dsn)) as opened:
        return await migrate(opened, directory)


async def test_files_are_applied_in_order_and_once(fresh_database: Dsn, write: Write) -> None:
    directory = write(
        "create table a (x integer); insert into a values (1);", "insert into a values (2);"
    )
    assert await run(fresh_database, directory) == 2
    assert await run(fresh_database, directory) == 2
    async with connection(embedded(fresh_database)) as opened:
        assert [row["x"] for row in await opened.fetch("select x from a order by x")] == [1, 2]
        assert await check(opened, directory) == 2


async def test_an_untouched_database_has_version_zero(fresh_database: Dsn, write: Write) -> None:
    async with connection(embedded(fresh_database)) as opened:
        assert await check(opened, write("select 1;")) == 0


async def test_four_processes_at_once_apply_each_file_once(
    fresh_database: Dsn, write: Write
) -> None:
    directory = write(
        "create table a (x integer);",
        "insert into a select 1 from pg_sleep(0.1);",
        "-- no-transaction\ncreate index concurrently if not exists i on a (x);",
        "insert into a values (2);",
    )
    versions: list[int] = []

    async def one() -> None:
        versions.append(await run(fresh_database, directory))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)
    assert versions == [4] * 4
    async with connection(embedded(fresh_database)) as opened:
        assert await opened.fetchval("select count(*) from a") == 2
        assert await opened.fetchval(
            "select indisvalid from pg_index where indrelid = 'a'::regclass"
        )


async def test_a_failing_file_changes_nothing_and_those_before_it_stay(
    fresh_database: Dsn, write: Write
) -> None:
    directory = write("create table a (x integer);", "create table b (x integer); select 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await run(fresh_database, directory)
    async with connection(embedded(fresh_database)) as opened:
        assert await opened.fetchval("select to_regclass('b')") is None
        assert await opened.fetchval("select to_regclass('a')") == "a"
        assert await check(opened, directory) == 1


async def test_a_file_outside_a_transaction_may_be_repeated(
    fresh_database: Dsn, write: Write
) -> None:
    directory = write(
        "create table a (x integer);",
        "-- serves: 0001\n-- no-transaction\n"
        "create index concurrently if not exists i on a (x);\n"
        "create index concurrently if not exists j on a (x);\n",
    )
    assert await run(fresh_database, directory) == 2
    async with connection(embedded(fresh_database)) as opened:
        await opened.execute("delete from schema_migrations where version = 2")
        assert await migrate(opened, directory) == 2
        assert await opened.fetchval("show statement_timeout") == "15s"


async def test_an_edited_file_is_refused(fresh_database: Dsn, write: Write) -> None:
    await run(fresh_database, write("create table a (x integer);"))
    with pytest.raises(WrongDatabase, match="edited"):
        await run(fresh_database, write("create table a (x bigint);"))


async def test_line_ends_do_not_count_as_an_edit(fresh_database: Dsn, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"create table a (\nx integer);\n")
    await run(fresh_database, tmp_path)
    (tmp_path / "0001_a.sql").write_bytes(b"create table a (\r\nx integer);\r\n")
    assert await run(fresh_database, tmp_path) == 1


async def test_a_gap_in_the_numbers_is_refused(write: Write) -> None:
    write("select 1;")
    with pytest.raises(WrongDatabase, match=r"found \[1, 3\]"):
        read(write("select 3;", first=3))


async def test_a_file_without_a_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "later.sql").write_text("select 1;")
    with pytest.raises(WrongDatabase, match=r"NNNN_name\.sql"):
        read(tmp_path)


async def test_serving_newer_programs_than_its_own_is_refused(write: Write) -> None:
    with pytest.raises(WrongDatabase, match="serves"):
        read(write("-- serves: 0002\nselect 1;"))


async def test_an_older_program_goes_on_while_the_newest_file_serves_it(
    fresh_database: Dsn, write: Write
) -> None:
    directory = write(
        "create table a (x integer);", "-- serves: 0001\nalter table a add y integer;"
    )
    await run(fresh_database, directory)
    (directory / "0002_step.sql").unlink()
    assert await run(fresh_database, directory) == 2
    async with connection(embedded(fresh_database)) as opened:
        assert await check(opened, directory) == 2


async def test_an_older_program_is_refused_when_the_newest_file_does_not_serve_it(
    fresh_database: Dsn, write: Write
) -> None:
    directory = write("create table a (x integer);", "alter table a drop x;")
    await run(fresh_database, directory)
    (directory / "0002_step.sql").unlink()
    with pytest.raises(WrongDatabase, match="Restart this process"):
        await run(fresh_database, directory)
    async with connection(embedded(fresh_database)) as opened:
        with pytest.raises(WrongDatabase, match="update Foresight"):
            await check(opened, directory)


async def test_work_with_a_database_that_has_outgrown_the_program_is_refused(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    database = await open_database(fresh_database)
    done: list[int] = []

    async def work(opened: "AnyConnection") -> None:
        done.append(await opened.fetchval("select count(outcome) from events"))

    await database.run(work)
    shutil.copytree(DIRECTORY, tmp_path / "newer")
    number = len(read()) + 1
    (tmp_path / "newer" / f"{number:04}_step.sql").write_text("create table later ()")
    assert await run(fresh_database, tmp_path / "newer") == number
    with pytest.raises(WrongDatabase, match=f"this one knows {number - 1}"):
        await database.run(work)
    with pytest.raises(WrongDatabase, match="Restart this process"):
        async with database.apart():
            pytest.fail("it was opened")
    assert done == [0]
    await database.close()


async def test_tables_that_somebody_else_changed_are_named(fresh_database: Dsn) -> None:
    database = await open_database(fresh_database)
    async with connection(embedded(fresh_database)) as opened:
        await opened.execute("alter table events rename to moved")
    with pytest.raises(WrongDatabase, match=r'"events" does not exist.*foresight db restore'):
        await database.run(lambda opened: opened.fetchval("select count(*) from events"))
    await database.close()


async def test_a_dump_is_asked_for_once_and_only_when_there_is_something_to_lose(
    fresh_database: Dsn, write: Write
) -> None:
    asked: list[int] = []
    async with connection(embedded(fresh_database)) as opened:

        async def before() -> None:
            asked.append(await opened.fetchval("select max(version) from schema_migrations"))

        await migrate(opened, write("select 1;", "select 2;"), before=before)
        assert asked == []
        directory = write("select 3;", "select 4;", first=3)
        await migrate(opened, directory, before=before)
        await migrate(opened, directory, before=before)
        assert asked == [2]


async def test_nothing_is_changed_when_the_dump_fails(fresh_database: Dsn, write: Write) -> None:
    async def before() -> None:
        raise OSError("no space left")

    async with connection(embedded(fresh_database)) as opened:
        await migrate(opened, write("select 1;"))
        with pytest.raises(OSError, match="no space left"):
            await migrate(opened, write("create table b ();", first=2), before=before)
        assert await opened.fetchval("select to_regclass('b')") is None
