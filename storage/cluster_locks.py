"""Advisory file locks: the kernel counts the clients of a cluster, so a killed one is counted out.

Three files in the cluster's directory, always taken in this order:

* ``.gate`` exclusive, for a moment: whoever starts or stops the server.
* ``.clients`` shared, for as long as the server is used; exclusive means "nobody uses it".
* ``.watcher`` exclusive, for the life of the one process that stops an unused server, and of the
  shell that starts it again.
"""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import Unavailable

GATE, CLIENTS, WATCHER = ".gate", ".clients", ".watcher"
POLL = 0.02  # seconds between two attempts at a lock that must not be waited for without limit


def open_lock(path: Path, *, create: bool = True) -> int:
    """Open a lock file and return its descriptor, which holds nothing yet."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags | os.O_CREAT if create else flags, 0o600)


def take(descriptor: int, *, shared: bool = False) -> bool:
    """Try to take a lock at once and return whether that succeeded."""
    import fcntl  # absent on Windows, where this module must still import

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_within(descriptor: int, seconds: float, *, shared: bool = False) -> None:
    """Take a lock, waiting at most `seconds`.

    Raises:
        Unavailable: Somebody else held it all the time.
    """
    deadline = time.monotonic() + seconds
    while not take(descriptor, shared=shared):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Another process has been starting or stopping the database for {seconds:.0f} s. "
                "Try again; if it stays so, `foresight doctor` names the process and the log."
            )
        time.sleep(POLL)


def wait_until_unused(descriptor: int) -> None:
    """Block, without limit and without polling, until no client holds the lock; then let it go."""
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX)
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def drop(descriptor: int) -> None:
    """Release and close, also for copies of the descriptor that a forked child still has."""
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


@contextmanager
def gate(base: Path, seconds: float) -> Generator[int, None, None]:
    """Be the only process that starts or stops this cluster; yields the lock's descriptor.

    Raises:
        Unavailable: The gate stayed shut for `seconds`.
    """
    descriptor = open_lock(base / GATE)
    try:
        take_within(descriptor, seconds)
        yield descriptor
    finally:
        os.close(descriptor)  # without unlocking: an initdb that outlives us keeps the gate shut
