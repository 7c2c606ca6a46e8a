"""A PgBouncer in transaction mode before the tests' PostgreSQL: the package of the system."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.embedded import Dsn, Lease

SECONDS = 10.0  # that it may take to listen
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listens}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
ignore_startup_parameters = {ignored}
"""


@contextmanager
def pgbouncer(database: Lease, scratch: Path, *, ignored: str = "") -> Generator[int]:
    """Yield the port on which it listens, with fewer sessions than its clients want.

    Args:
        database: What it leads to.
        scratch: Where its configuration goes.
        ignored: Startup parameters that it swallows instead of refusing the connection.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with tempfile.TemporaryDirectory(prefix="fs-", dir=scratch) as folder:
        Path(folder).chmod(0o755)
        port, dsn = _free(), database.dsn
        file = Path(folder, "pgbouncer.ini")
        file.write_text(
            CONFIGURATION.format(
                host=dsn["host"], port=dsn["port"], user=dsn["user"], listens=port, ignored=ignored
            )
        )
        account = database.place.account  # it refuses to be root, and so does PostgreSQL's socket
        with subprocess.Popen(
            [program, "-q", str(file)],
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                _listens(process, port)
                yield port
            finally:
                process.kill()


def pooled_url(dsn: Dsn, port: int) -> str:
    """Return how to name a test's database behind the pooler."""
    return f"postgresql://{dsn['user']}@127.0.0.1:{port}/{dsn['database']}?sslmode=disable"


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "pgbouncer ended"
        assert time.monotonic() < deadline, "pgbouncer does not listen"
        time.sleep(0.02)
