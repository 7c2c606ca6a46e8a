"""The process that stops an unused server: `python -P -m storage.watcher LOCK BASE RUN [UID GID]`.

It sleeps in the kernel until the last client of the cluster is gone, however that one went. LOCK is
the descriptor of the inherited, already taken lock that makes it the only watcher of the cluster.
A shell waits for it and starts it again when it was killed. Only when both and all clients are
killed at once does the server stay, until the next client comes.
"""

import os
import signal
import sys
import time
from pathlib import Path

from storage.cluster_locks import CLIENTS, GATE, drop, open_lock, take, wait_until_unused
from storage.cluster_places import Account, Place
from storage.cluster_process import stop

LINGER = 2.0  # seconds that the server stays for the next command
FAST, IMMEDIATE = 4.0, 1.0  # seconds; with LINGER and a kill, nothing is alive after ten


def watch(place: Place, own: int) -> None:
    """Return once the cluster is unused and its server stopped.

    Args:
        place: The cluster.
        own: The descriptor of the watcher's lock.
    """
    # never created here: the directory may be being deleted, and must not come back
    clients = open_lock(place.base / CLIENTS, create=False)
    while True:
        wait_until_unused(clients)
        time.sleep(LINGER)
        if _stop_if_unused(place, clients, own):
            return


def _stop_if_unused(place: Place, clients: int, own: int) -> bool:
    import fcntl

    shut = open_lock(place.base / GATE, create=False)
    # starters hold the gate while they wait for a share of the clients' lock, so that lock may only
    # be tried for here, never waited for
    fcntl.flock(shut, fcntl.LOCK_EX)
    try:
        if not take(clients):
            return False
        stop(place, fast=FAST, immediate=IMMEDIATE)
        stop(place.beside, fast=FAST, immediate=IMMEDIATE)  # if an upgrade was killed
        _discard(place)
        # before the gate opens: the next starter must find that there is no watcher
        drop(own)
        return True
    finally:
        os.close(shut)


def _discard(place: Place) -> None:
    if place.unfinished.exists():
        import shutil

        shutil.rmtree(place.unfinished, ignore_errors=True)


def main(arguments: list[str]) -> None:
    """Watch the cluster that the arguments describe."""
    own, base, run, *ids = arguments
    account = Account(int(ids[0]), int(ids[1])) if ids else None
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    watch(Place(Path(base), Path(run), account), int(own))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FileNotFoundError:
        sys.exit(0)  # the cluster's directory was deleted: there is nothing left to stop
