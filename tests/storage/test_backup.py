"""Dumps: what was dumped comes back, wholly or not at all, and three are kept."""

from pathlib import Path

import pytest

from storage.backup import dump, dump_before_migration, keep, restore
from storage.embedded import Dsn, Lease
from storage.errors import Damaged, Unavailable, WrongDatabase
from storage.pool import connection, embedded


async def execute(dsn: Dsn, sql: str) -> None:
    """Run statements over a connection of their own."""
    async with connection(embedded(dsn)) as opened:
        await opened.execute(sql)


async def value(dsn: Dsn, sql: str) -> object:
    """Fetch one value over a connection of its own."""
    async with connection(embedded(dsn)) as opened:
        return await opened.fetchval(sql)


def url(dsn: Dsn) -> str:
    """The URL of a database in an embedded server, with a password that it does not need."""
    return f"postgresql://{dsn['user']}:p%40ss@/{dsn['database']}?host={dsn['host']}"


@pytest.mark.anyio
async def test_a_dump_brings_back_what_was_there_and_nothing_else(
    database: Lease, fresh_database: Dsn, tmp_path: Path
) -> None:
    await execute(
        fresh_database,
        """create table a (x jsonb); insert into a values ('{"ü": 1.5}')""",
    )
    for _ in range(2):  # a restored database can be dumped and restored again
        file = dump(fresh_database, tmp_path / "one.dump", database.binaries)
        await execute(fresh_database, "drop table a; create table later ()")
        restore(fresh_database, file, database.binaries)
        assert await value(fresh_database, "select x from a") == {"ü": 1.5}
        assert await value(fresh_database, "select to_regclass('later')") is None


@pytest.mark.anyio
async def test_a_broken_dump_changes_nothing(
    database: Lease, fresh_database: Dsn, tmp_path: Path
) -> None:
    await execute(fresh_database, "create table a as select generate_series(1, 20000) as x")
    file = dump(fresh_database, tmp_path / "one.dump", database.binaries)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(Damaged, match="whole dump"):
        restore(fresh_database, file, database.binaries)
    assert await value(fresh_database, "select count(*) from a") == 20000


@pytest.mark.anyio
async def test_a_command_for_the_shell_in_a_dump_is_not_run(
    database: Lease, fresh_database: Dsn, tmp_path: Path
) -> None:
    room, ran = "A" * 300, tmp_path / "ran"
    await execute(fresh_database, f"create view v as select '{room}' as a")
    file = dump(fresh_database, tmp_path / "one.dump", database.binaries)
    planted = f"1;\n\\! touch {ran}\n--".encode()
    found = f"'{room}'".encode()
    content = file.read_bytes()
    assert found in content
    file.write_bytes(content.replace(found, planted.ljust(len(found), b"-")))
    with pytest.raises(Unavailable, match="backslash commands are restricted"):
        restore(fresh_database, file, database.binaries)
    assert not ran.exists()
    assert await value(fresh_database, "select a from v") == room


@pytest.mark.parametrize("content", [b"cposix\nsystem\n(S'false'\ntR.", b"PK\x03\x04", b""])
def test_what_is_no_dump_is_refused(
    database: Lease, fresh_database: Dsn, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "one.dump"
    file.write_bytes(content)
    with pytest.raises(Damaged, match="whole dump"):
        restore(fresh_database, file, database.binaries)


def test_a_failed_dump_leaves_no_file(database: Lease, tmp_path: Path) -> None:
    dsn = database.dsn
    dsn["database"] = "nosuchdatabase"
    with pytest.raises(Unavailable, match="nosuchdatabase"):
        dump(dsn, tmp_path / "one.dump", database.binaries)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
async def test_a_database_of_a_url_must_be_empty_to_restore_into(
    database: Lease, fresh_database: Dsn, tmp_path: Path
) -> None:
    empty = dump(url(fresh_database), tmp_path / "empty.dump", database.binaries)
    await execute(fresh_database, "create table a as select 1 as x")
    full = dump(url(fresh_database), tmp_path / "full.dump", database.binaries)
    with pytest.raises(WrongDatabase, match="empty database"):
        restore(url(fresh_database), full, database.binaries)
    restore(fresh_database, empty, database.binaries)
    restore(url(fresh_database), full, database.binaries)
    assert await value(fresh_database, "select x from a") == 1


def test_the_newest_three_dumps_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        (tmp_path / f"2026010{day}T000000.dump").touch()
    (tmp_path / "notes.txt").touch()
    keep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "20260103T000000.dump",
        "20260104T000000.dump",
        "20260105T000000.dump",
        "notes.txt",
    ]


def test_dumps_before_migrations_gather_beside_the_data(database: Lease) -> None:
    made = [dump_before_migration(database) for _ in range(4)]
    assert made[0].parent == database.place.dumps
    assert [path.exists() for path in made] == [False, True, True, True]
