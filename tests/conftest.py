"""A PostgreSQL server for the session, started as the product starts it, and databases in it."""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.embedded import Dsn, Lease, attach, status, stop

ROOMY = 2**30  # bytes


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncpg runs on asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def scratch() -> Path:
    """Where clusters of tests go: into memory if there is plenty, since none need outlive a test.

    Not below tmp_path, whose paths are too long for a socket.
    """
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOMY
    return memory if roomy else Path(tempfile.gettempdir())


@pytest.fixture(scope="session")
def database(scratch: Path) -> Iterator[Lease]:
    """The session's cluster; stopped, and its watcher gone, before the session ends."""
    directory = Path(tempfile.mkdtemp(prefix="fs-", dir=scratch))
    lease = attach(directory)
    yield lease
    lease.release()
    deadline = time.monotonic() + 10
    while status(directory).running and time.monotonic() < deadline:
        time.sleep(0.02)
    left_running = stop(directory)
    shutil.rmtree(lease.place.base, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
    assert not left_running, "the watcher did not stop the server within 10 s"


@pytest.fixture
def own_data(scratch: Path) -> Iterator[Path]:
    """A data directory whose embedded cluster is stopped and deleted in the end."""
    directory = Path(tempfile.mkdtemp(prefix="fs-", dir=scratch))
    directory.chmod(0o711)  # else the account that the server runs as could not get there
    yield directory
    stop(directory / "postgres")
    shutil.rmtree(directory)


@pytest.fixture
def fresh_database(database: Lease) -> Iterator[Dsn]:
    """How to connect to a new, empty database, which the end of the test drops."""
    with _fresh(database) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def shared_database(database: Lease) -> Iterator[Dsn]:
    """Like fresh_database, for the process that all tests of a module ask."""
    with _fresh(database) as dsn:
        yield dsn


@pytest.fixture
def fresh_databases(database: Lease) -> Iterator[tuple[Dsn, Dsn]]:
    """Two of them."""
    with _fresh(database) as one, _fresh(database) as other:
        yield one, other


@contextmanager
def _fresh(database: Lease) -> Generator[Dsn]:
    name = f"test_{uuid.uuid4().hex}"
    sql = _superuser(database)
    sql(f"create database {name}")
    dsn = database.dsn
    dsn["database"] = name
    yield dsn
    sql(f"drop database {name} with (force)")


def _superuser(lease: Lease) -> Callable[[str], object]:
    dsn = lease.dsn
    address = ["-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], "-d", dsn["database"]]
    psql = [lease.binaries.program("psql"), "-Xqw", "-v", "ON_ERROR_STOP=1", *address, "-c"]
    return lambda sql: subprocess.run([*psql, sql], check=True, capture_output=True)
