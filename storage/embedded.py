"""A PostgreSQL server of our own, shared by all processes that use the same directory.

    lease = attach(directory)            # started when needed
    asyncpg.connect(**lease.dsn)
    lease.release()                      # returns at once

Nobody owns the server. Each client holds a shared lock that the kernel releases when it ends, in
whatever way, and a watcher (storage.watcher) stops the server once no client is left.
"""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypedDict

from storage.binaries import WINDOWS, Binaries, find
from storage.cluster_locks import CLIENTS, WATCHER, drop, gate, open_lock, take, take_within
from storage.cluster_places import Place, locate, prepare
from storage.cluster_process import postmaster, socket_directory
from storage.cluster_process import stop as stop_server
from storage.cluster_setup import (
    DATABASE,
    PORT,
    START_SECONDS,
    USER,
    create,
    reachable,
    run,
    settle,
)
from storage.errors import Unavailable

GATE_SECONDS = START_SECONDS + 30  # seconds: longer than any start another process may be at
PACKAGES = Path(__file__).parent.parent

__all__ = ["Dsn", "Lease", "Place", "Status", "attach", "locate", "status", "stop"]


class Dsn(TypedDict):
    """Arguments of `asyncpg.connect`; the server asks for no password."""

    host: str
    port: int
    user: str
    database: str
    ssl: bool  # stated, because asyncpg would otherwise read PGSSLMODE


@dataclass(slots=True)
class Lease:
    """The right to use the server; it runs for as long as anybody has one."""

    place: Place
    binaries: Binaries
    _lock: int | None = field(repr=False)

    @property
    def dsn(self) -> Dsn:
        """How to connect, as keyword arguments of `asyncpg.connect`."""
        host = str(socket_directory(self.place))
        return Dsn(host=host, port=PORT, user=USER, database=DATABASE, ssl=False)

    def revive(self) -> None:
        """Start the server again after it was killed; does nothing while it answers.

        Raises:
            Unavailable: It could not be started, or the lease was released.
            Damaged: The server refuses its own files.
        """
        if self._lock is None:
            raise Unavailable("Expected a lease that is held; this one was released. Attach again.")
        with wrapped(self.place), gate(self.place.base, GATE_SECONDS) as shut:
            _ensure(self.place, self.binaries, shut)

    def release(self) -> None:
        """Give the lease back and return at once; the watcher stops the server if need be."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        try:
            watch(self.place)  # in case it was killed
        except OSError:
            pass  # the directory is gone, and with it what there was to watch
        finally:
            drop(lock)

    def __enter__(self) -> "Lease":
        """Return the lease itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the lease."""
        self.release()


@dataclass(frozen=True, slots=True)
class Status:
    """What `foresight doctor` says about the cluster."""

    place: Place
    pid: int | None  # of the running server
    major: int | None  # of the stored data; None when there is none
    size: int  # bytes on disk
    log: Path | None  # the newest log file

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self.pid is not None


def attach(requested: Path, *, binaries: Path | None = None, account: str | None = None) -> Lease:
    """Use the cluster of a directory: make it, start it or join it, whichever is needed.

    Takes a few milliseconds to join, about 0.2 s to start and some seconds the first time. Blocks;
    call it in a thread. Any number of processes may do so at the same moment.

    Args:
        requested: A directory for the cluster alone.
        binaries: The directory of the PostgreSQL programs; None searches for them.
        account: Whom the server runs as when the caller is root; None chooses one.

    Raises:
        Unavailable: There is no PostgreSQL to run or it did not start; the text says what to do.
        WrongDatabase: The data needs a major version that is not installed.
        Damaged: The server refuses its own files.
    """
    if sys.platform == "win32":  # platform: Windows
        raise Unavailable(WINDOWS)
    place = locate(requested, account)
    with wrapped(place):
        prepare(place)
        with gate(place.base, GATE_SECONDS) as shut:
            settle(place)
            programs = reachable(place, find(binaries, place.major()))
            lock = open_lock(place.base / CLIENTS)
            try:
                take_within(lock, GATE_SECONDS, shared=True)
                _ensure(place, programs, shut)
            except BaseException:
                drop(lock)
                raise
    return Lease(place, programs, lock)


def stop(requested: Path, *, account: str | None = None) -> bool:
    """Stop the server whoever uses it, and return whether it ran.

    Raises:
        Unavailable: Another process has been starting or stopping it for too long.
    """
    place = locate(requested, account)
    if not place.data.exists():
        return False
    with wrapped(place), gate(place.base, GATE_SECONDS):
        return stop_server(place, fast=30.0, immediate=15.0)


def status(requested: Path, *, account: str | None = None) -> Status:
    """Describe the cluster without starting or locking anything."""
    place = locate(requested, account)
    logs = sorted(place.log.glob("postgres-*.log"), key=lambda one: one.stat().st_mtime)
    newest = logs[-1] if logs else None
    return Status(place, postmaster(place), place.major(), _size(place.base), newest)


def _ensure(place: Place, programs: Binaries, shut: int) -> None:
    watch(place)  # first: a client killed while it starts the server must not leave it behind
    if place.major() is None:
        create(place, programs, shut)
    run(place, programs)


def watch(place: Place) -> None:
    """Start the watcher unless there is one; call only while holding a lease."""
    lock = open_lock(place.base / WATCHER)
    try:
        if take(lock):
            _start_watcher(place, lock)
    finally:
        os.close(lock)  # without unlocking: the watcher has inherited the lock


def _start_watcher(place: Place, lock: int) -> None:
    ids = (str(place.account.uid), str(place.account.gid)) if place.account else ()
    module = [sys.executable, "-P", "-S", "-m", "storage.watcher"]
    arguments = [str(lock), str(place.base), str(place.run), *ids]
    # The shell between us makes it nobody's child, so that it becomes nobody's zombie. It stays,
    # holding the lock, and starts the watcher again should that be killed.
    guard = '{ while "$@"; [ $? -gt 128 ]; do sleep 1; done; } &'
    shell = ["/bin/sh", "-c", guard, "sh", *module, *arguments]
    subprocess.run(
        shell,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(PACKAGES)},
        cwd="/",
        pass_fds=(lock,),
        start_new_session=True,
        check=True,
    )


@contextmanager
def wrapped(place: Place) -> Generator[None, None, None]:
    """Say in words what the operating system refused."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(
            f"The database in {place.base} could not be used: {error}. Check that the directory is "
            "yours and the disk is not full, or set another FORESIGHT_DATA_DIR."
        ) from error


def _size(base: Path) -> int:
    total = 0
    for root, _, files in os.walk(base):
        for name in files:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
            except OSError:
                continue  # the server removed it meanwhile
    return total
