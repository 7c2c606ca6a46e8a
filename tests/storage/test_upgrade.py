"""To a newer major version of PostgreSQL: everything comes along, and no moment loses anything."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from storage.binaries import Binaries, find
from storage.cluster_places import Place
from storage.embedded import Lease, attach, locate, status, stop
from storage.errors import StorageError, Unavailable, WrongDatabase
from storage.upgrade import kept, upgrade

OLD, NEW = 16, 18
UPGRADER = """
import sys
from pathlib import Path
from storage.upgrade import upgrade
upgrade(Path(sys.argv[1]))
"""
Processes = Callable[[Path], dict[int, str]]
Eventually = Callable[..., None]
Moment = Callable[[Place], bool]


def programs(major: int) -> Binaries:
    """The programs of a major version, or the reason why there is no test."""
    try:
        return find(major=major)
    except StorageError:
        pytest.skip(f"the programs of PostgreSQL {major} are not installed")


@pytest.fixture(scope="session")
def old_template(scratch: Path) -> Iterator[Path]:
    """Data that the old version wrote and closed."""
    directory = Path(tempfile.mkdtemp(prefix="fs-", dir=scratch))
    programs(NEW)
    with attach(directory, binaries=programs(OLD).directory) as lease:
        run(lease, "create table a as select generate_series(1, 50000) as x; create sequence s")
        assert run(lease, "select nextval('s') from generate_series(1, 7) offset 6") == "7"
    stop(directory)
    yield locate(directory).data
    shutil.rmtree(directory)


@pytest.fixture
def old(directory: Path, old_template: Path) -> Path:
    """A place with a copy of that data."""
    subprocess.run(["cp", "-a", old_template, directory / "data"], check=True)
    return directory


def run(lease: Lease, sql: str) -> str:
    """Run statements and return what the last one says."""
    dsn = lease.dsn
    address = ["-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], "-d", dsn["database"]]
    command = [lease.binaries.program("psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", *address]
    done = subprocess.run([*command, "-c", sql], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def opens(directory: Path, major: int) -> None:
    """Everything is there, under this version; then let go of it."""
    with attach(directory) as lease:
        assert lease.binaries.major == major
        assert run(lease, "select count(*), sum(x) from a") == "50000|1250025000"
        assert run(lease, "select last_value from s") == "7"
    stop(directory)


def test_everything_comes_along_even_when_the_last_two_steps_are_killed(old: Path) -> None:
    done = upgrade(old)
    place = done.place
    assert (done.before, done.after) == (OLD, NEW)
    assert kept(place) == [place.base / "data.16"]
    again = upgrade(old)
    assert (again.before, again.after) == (NEW, NEW)
    place.data.rename(place.converted)  # the old one is out of the way, the new one not in place
    assert locate(old) == place
    opens(old, NEW)
    place.data.rename(place.converted)  # the new one is whole, the old one still in its place
    place.kept(OLD).rename(place.data)
    opens(old, OLD)
    assert not place.converted.exists()


def test_a_cluster_in_use_is_left_alone(
    old: Path, client: Callable[..., subprocess.Popen[str]]
) -> None:
    user = client(old)
    assert user.stdout
    assert user.stdout.readline()
    pid = status(old).pid
    with pytest.raises(Unavailable, match="Other processes use the database"):
        upgrade(old)
    assert status(old).pid == pid


def test_what_cannot_be_converted_is_said_and_stays_as_it_was(old: Path) -> None:
    with attach(old) as lease:
        run(lease, "create database closed allow_connections false")
    with pytest.raises(Unavailable, match=r"the data is as it was(.|\n)*allow"):
        upgrade(old)
    assert not locate(old).beside.base.exists()
    opens(old, OLD)


def test_data_left_by_an_earlier_upgrade_is_not_overwritten(old: Path) -> None:
    keepsake = locate(old).kept(OLD)
    keepsake.mkdir()
    with pytest.raises(Unavailable, match="Move it away or delete it"):
        upgrade(old)


def test_without_data_there_is_nothing_to_upgrade(directory: Path) -> None:
    with pytest.raises(WrongDatabase, match="nothing to upgrade"):
        upgrade(directory)


def written(path: Path) -> bool:
    """Whether a server runs in a data directory."""
    return (path / "postmaster.pid").exists()


def in_initdb(place: Place) -> bool:
    return (place.beside.unfinished / "PG_VERSION").exists()


def with_a_server_on_the_old_data(place: Place) -> bool:
    return place.beside.data.exists() and written(place.data)


def with_a_server_on_the_new_data(place: Place) -> bool:
    return place.beside.data.exists() and written(place.beside.data)


def of_itself_alone(process: int, _others: dict[int, str]) -> None:
    """What a kill of the command does: pg_upgrade goes on."""
    os.kill(process, signal.SIGKILL)


def of_everything_but_servers(process: int, others: dict[int, str]) -> None:
    """What the kernel may do when memory runs out."""
    os.kill(process, signal.SIGKILL)
    for pid, command in others.items():
        if "pg_upgrade" in command or "initdb" in command:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(pid, signal.SIGKILL)


IN_CI = (with_a_server_on_the_old_data, of_everything_but_servers)
KILLS = [
    (moment, kill)
    for moment in (in_initdb, with_a_server_on_the_old_data, with_a_server_on_the_new_data)
    for kill in (of_itself_alone, of_everything_but_servers)
]


@pytest.mark.parametrize(
    ("moment", "kill"),
    [pytest.param(*each, marks=[] if each == IN_CI else pytest.mark.heavy) for each in KILLS],
)
def test_a_killed_upgrade_leaves_the_old_data_and_can_be_repeated(
    old: Path,
    processes: Processes,
    eventually: Eventually,
    moment: Moment,
    kill: Callable[[int, dict[int, str]], None],
) -> None:
    place = locate(old)
    packages = str(Path(__file__).parents[2])
    upgrading = subprocess.Popen(
        [sys.executable, "-P", "-c", UPGRADER, str(old)],
        env={**os.environ, "PYTHONPATH": packages},
    )
    while not moment(place):
        assert upgrading.poll() is None, "it was over before it could be killed"
        time.sleep(0.001)
    kill(upgrading.pid, processes(place.base))
    upgrading.wait()
    opens(old, OLD)
    assert upgrade(old).after == NEW
    opens(old, NEW)
    eventually(lambda: not processes(place.base), seconds=15)
