"""Where a cluster may live: whose the directories are, with which modes, and what is refused."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.binaries import Binaries, find
from storage.cluster_locks import gate
from storage.cluster_places import Account, Place, locate, own, prepare
from storage.cluster_process import neutralise, postmaster, stop
from storage.cluster_setup import SILENT_SECONDS, create, reachable
from storage.embedded import attach, status
from storage.errors import Damaged, Unavailable, WrongDatabase

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can lend the server to another")
Eventually = Callable[..., None]


def place(directory: Path) -> Place:
    """A place that is the caller's own."""
    return Place(directory, directory / "run")


def test_a_directory_below_missing_ones_is_made_whatever_the_umask(
    directory: Path, removed: Callable[[Path], None]
) -> None:
    directory.chmod(0o755)
    deep = directory / "one" / "two" / "three"
    before = os.umask(0o077)
    try:
        with attach(deep) as lease:
            assert status(deep).running
            assert lease.place.base == deep
    finally:
        os.umask(before)
        removed(deep)


def test_a_directory_that_others_may_read_is_closed(directory: Path) -> None:
    mine = place(directory)
    prepare(mine)
    mine.log.chmod(0o755)
    mine.base.chmod(0o755)
    prepare(mine)
    assert mine.log.stat().st_mode & 0o777 == 0o700
    assert mine.base.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_place_of_a_directory_is_refused(directory: Path, tmp_path: Path) -> None:
    mine = place(directory)
    mine.run.symlink_to(tmp_path)
    with pytest.raises(Unavailable, match=f"Expected {mine.run} to be a directory of user id"):
        own(mine, mine.run)


@AS_ROOT
def test_a_directory_of_another_user_is_refused(directory: Path) -> None:
    mine = place(directory)
    mine.run.mkdir()
    os.chown(mine.run, 12345, 12345)
    with pytest.raises(Unavailable, match="found one of 12345"):
        own(mine, mine.run)


@AS_ROOT
def test_a_directory_that_a_killed_process_could_not_hand_over_is_handed_over(
    directory: Path,
) -> None:
    lent = locate(directory)
    assert lent.account is not None
    lent.log.mkdir()  # root's still, as after a kill between two steps
    own(lent, lent.log)
    assert lent.log.stat().st_uid == lent.account.uid


@AS_ROOT
def test_data_that_its_account_can_no_longer_reach_is_named_with_the_remedy(
    directory: Path, template: Path
) -> None:
    inner = directory / "inner"
    inner.mkdir()
    subprocess.run(["cp", "-a", str(template), str(inner / "data")], check=True)
    directory.chmod(0o700)
    with pytest.raises(Unavailable, match="cannot traverse to it"):
        locate(inner)
    directory.chmod(0o711)
    assert locate(inner).base == inner


@AS_ROOT
def test_an_account_that_is_root_is_none(directory: Path) -> None:
    with pytest.raises(Unavailable, match="expected an account named root, found none"):
        locate(directory, "root")


@AS_ROOT
def test_a_user_without_a_name_cannot_run_the_server(directory: Path) -> None:
    nameless = Place(directory, directory / "run", Account(54321, 54321))
    with pytest.raises(Unavailable, match="needs a name for user id 54321"):
        create(nameless, find(), 0)


@AS_ROOT
def test_programs_that_cannot_be_run_nor_copied_are_named(directory: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "private" / "programs" / "bin"
    hidden.mkdir(parents=True)
    for name in ("postgres", "initdb", "pg_ctl"):
        (hidden / name).write_text("#!/bin/sh\nexit 0\n")
        (hidden / name).chmod(0o755)
    (tmp_path / "private").chmod(0o700)
    lent = locate(directory)
    prepare(lent)
    with pytest.raises(Unavailable, match="FORESIGHT_PG_BIN"):
        reachable(lent, Binaries(hidden, 18))


def test_an_initdb_that_fails_is_reported_with_its_words_and_leaves_nothing(
    directory: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / "initdb").write_text("#!/bin/sh\necho 'no space left for us' >&2\nexit 1\n")
    (tmp_path / "initdb").chmod(0o755)
    where = locate(directory)
    prepare(where)
    with pytest.raises(Unavailable, match=r"could not make its data .*no space left for us"):
        create(where, Binaries(tmp_path, 18), os.open("/dev/null", os.O_RDONLY))
    assert not where.unfinished.exists()
    assert not where.data.exists()


def test_a_server_that_will_not_start_is_reported_with_its_last_words(warm: Path) -> None:
    where = locate(warm)
    configuration = where.data / "postgresql.conf"
    configuration.write_text(configuration.read_text() + "\nnosuchsetting = 1\n")
    with pytest.raises(Unavailable, match=r"did not start[\s\S]*nosuchsetting") as caught:
        attach(warm)
    assert not isinstance(caught.value, Damaged)
    assert not status(warm).running


def test_a_server_that_does_not_answer_for_a_moment_is_waited_for(warm: Path) -> None:
    with attach(warm) as lease:
        pid = postmaster(lease.place)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        wake = threading.Timer(SILENT_SECONDS - 1, os.kill, [pid, signal.SIGCONT])
        wake.start()
        lease.revive()
        wake.join()
        assert postmaster(lease.place) == pid


@pytest.mark.heavy
def test_a_server_that_hangs_while_stopping_is_replaced(warm: Path, eventually: Eventually) -> None:
    with attach(warm) as lease:
        pid = postmaster(lease.place)
        assert pid is not None
        file = lease.place.data / "postmaster.pid"
        lines = file.read_text().splitlines()
        lines[7] = "stopping"
        os.kill(pid, signal.SIGSTOP)
        file.write_text("\n".join(lines) + "\n")
        lease.revive()
        eventually(lambda: postmaster(lease.place) not in (None, pid))


def test_a_lock_that_somebody_keeps_is_given_up_with_the_next_step(directory: Path) -> None:
    with (
        gate(directory, 1.0),
        pytest.raises(Unavailable, match="`foresight doctor` names the process"),
        gate(directory, 0.1),
    ):
        raise AssertionError


def test_without_programs_on_the_path_only_known_places_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WrongDatabase, match="written by PostgreSQL 9 and only that version"):
        find(major=9)


def test_an_empty_note_of_a_killed_server_is_harmless(directory: Path) -> None:
    mine = place(directory)
    mine.data.mkdir()
    (mine.data / "postmaster.pid").touch()
    neutralise(mine)
    assert postmaster(mine) is None
    assert not stop(mine, fast=0.1, immediate=0.1)
    assert not (mine.data / "postmaster.pid").exists()
