"""The watcher as a process that is started by hand: what it waits for, and what it leaves."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.cluster_locks import WATCHER, open_lock, take, take_within
from storage.cluster_places import Place, locate, prepare
from storage.embedded import attach, status
from storage.watcher import LINGER

Eventually = Callable[..., None]


def watcher(place: Place) -> subprocess.Popen[bytes]:
    """Start a watcher that inherits the lock, as `storage.embedded` does."""
    prepare(place)
    lock = open_lock(place.base / WATCHER)
    # the shell that guarded the one before may be a moment behind it
    take_within(lock, 10)
    account = place.account
    ids = (str(account.uid), str(account.gid)) if account else ()
    command = [sys.executable, "-P", "-m", "storage.watcher", str(lock)]
    try:
        return subprocess.Popen([*command, str(place.base), str(place.run), *ids], pass_fds=(lock,))
    finally:
        os.close(lock)


@pytest.fixture
def place(warm: Path) -> Place:
    return locate(warm)


def test_it_waits_for_the_last_client_and_leaves_nothing(
    place: Place, warm: Path, eventually: Eventually
) -> None:
    first = attach(warm)  # before it, so that there is a client to wait for
    eventually(lambda: status(warm).running)
    theirs = open_lock(place.base / WATCHER)
    assert not take(theirs)  # the one that attach has started
    os.close(theirs)
    first.release()
    eventually(lambda: not status(warm).running)
    with watcher(place) as ours:
        lease = attach(warm)
        lease.release()
        second = attach(warm)  # comes back while it lingers
        until = time.monotonic() + LINGER + 0.5
        while time.monotonic() < until:
            assert status(warm).running
        assert ours.poll() is None
        second.release()
        assert ours.wait(10) == 0
    assert not status(warm).running
    again = open_lock(place.base / WATCHER)
    assert take(again)  # the next start finds that there is none
    os.close(again)


def test_what_a_killed_initdb_left_goes_when_nobody_uses_the_cluster(place: Place) -> None:
    with watcher(place) as ours:
        place.unfinished.mkdir()
        assert ours.wait(10) == 0
    assert not place.unfinished.exists()


def test_where_the_cluster_was_deleted_it_ends_by_itself(place: Place) -> None:
    with watcher(place) as ours:
        shutil.rmtree(place.base)
        assert ours.wait(10) == 0
    assert not place.base.exists()
    place.base.mkdir()  # for whoever cleans up
