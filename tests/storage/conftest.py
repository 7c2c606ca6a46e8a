"""Clusters of one test each, the processes that use them, and waiting without sleeping blindly."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.binaries import find
from storage.embedded import attach, locate, stop

PACKAGES = os.pathsep.join(
    filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))
)
CLIENT = """
import sys
from pathlib import Path
from storage.binaries import find
from storage.embedded import attach
lease = attach(Path(sys.argv[1]))
print(lease.dsn["host"], flush=True)
sys.stdin.read()
lease.release()
"""

Eventually = Callable[[Callable[[], object]], None]
Processes = Callable[[Path], dict[int, str]]
Client = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a claim is true, and fail after ten seconds."""

    def wait(claim: Callable[[], object], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not claim():
            assert time.monotonic() < deadline, "it did not become true in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def directory(scratch: Path) -> Iterator[Path]:
    """A place for a cluster, with a path short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="fs-", dir=scratch))
    yield made
    remove(made)


@pytest.fixture(scope="session")
def template(scratch: Path) -> Iterator[Path]:
    """A data directory that was never started, for tests about what comes after initdb."""
    made = Path(tempfile.mkdtemp(prefix="fs-", dir=scratch))
    attach(made).release()
    stop(made)
    yield locate(made).data
    remove(made)


@pytest.fixture
def warm(directory: Path, template: Path) -> Path:
    """A place where a cluster was before, which saves the test its initdb."""
    subprocess.run(["cp", "-a", template, directory / "data"], check=True)
    return directory


def remove(directory: Path) -> None:
    """Stop the cluster of a directory and delete it wherever it lives."""
    place = locate(directory)
    stop(directory)
    if (place.data / "postmaster.pid").exists():  # killed: what it left in shared memory goes now
        attach(directory, binaries=find(major=place.major()).directory).release()
        stop(directory)
    for path in {place.base, place.run, directory}:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def removed() -> Callable[[Path], None]:
    """Delete the cluster of a directory that is not the `directory` fixture."""
    return remove


@pytest.fixture
def processes() -> Processes:
    """Say which live processes belong to a cluster: its server, its watcher, its initdb."""

    def alive(base: Path) -> dict[int, str]:
        found: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
                there = str((entry / "cwd").readlink())
            except OSError:
                continue
            if not zombie and (str(base) in command or there.startswith(str(base))):
                found[int(entry.name)] = command
        return found

    return alive


@pytest.fixture
def client() -> Iterator[Client]:
    """Start a process that attaches, prints where, and releases when its input ends."""
    started: list[subprocess.Popen[str]] = []

    def start(
        directory: Path, *, cwd: Path = Path("/"), **environment: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", CLIENT, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": PACKAGES, **environment},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.communicate()
