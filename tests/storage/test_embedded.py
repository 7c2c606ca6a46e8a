"""The embedded server: it starts when it is needed and survives what happens to processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.binaries import Binaries, find
from storage.cluster_process import stop as stop_server
from storage.embedded import Lease, attach, locate, status, stop
from storage.errors import Damaged, StorageError, Unavailable, WrongDatabase

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can lend the server to another")
WHEEL = find()


def answers(lease: Lease) -> bool:
    """Whether the server accepts a connection on its socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(f"{lease.dsn['host']}/.s.PGSQL.5432")
        except OSError:
            return False
    return True


def running_pid(directory: Path) -> int:
    """The process id of a server that must be running."""
    pid = status(directory).pid
    assert pid is not None
    return pid


def test_a_cold_directory_becomes_a_running_server(directory: Path) -> None:
    with attach(directory) as lease:
        assert answers(lease)
        assert not lease.place.unfinished.exists()


def test_joining_a_running_server_leaves_its_process_alone(warm: Path) -> None:
    with attach(warm):
        pid = running_pid(warm)
        with attach(warm) as second:
            assert answers(second)
            assert status(warm).pid == pid


def test_a_stopped_server_starts_again_on_the_same_data(warm: Path) -> None:
    with attach(warm) as first:
        made = (first.place.data / "PG_VERSION").stat().st_ino
    assert stop(warm)
    with attach(warm) as second:
        assert answers(second)
        assert (second.place.data / "PG_VERSION").stat().st_ino == made


def test_stopping_what_does_not_run_says_so(directory: Path) -> None:
    assert not stop(directory)


def test_processes_racing_on_a_cold_directory_share_one_server(
    directory: Path, client: Callable[..., subprocess.Popen[str]], processes: Callable[..., object]
) -> None:
    racers = [client(directory) for _ in range(3)]
    hosts = {racer.stdout.readline() for racer in racers if racer.stdout}
    assert hosts == {f"{locate(directory).run}\n"}
    assert status(directory).running


def test_a_killed_postmaster_is_revived_by_the_lease(warm: Path) -> None:
    with attach(warm) as lease:
        killed = running_pid(warm)
        os.kill(killed, signal.SIGKILL)
        lease.revive()
        assert answers(lease)
        revived = status(warm).pid
        assert revived != killed
        lease.revive()  # it answers, so nothing changes
        assert status(warm).pid == revived


def test_a_killed_postmaster_is_replaced_by_the_next_attach(warm: Path) -> None:
    with attach(warm):
        os.kill(running_pid(warm), signal.SIGKILL)
        with attach(warm) as second:
            assert answers(second)


def test_an_empty_process_id_file_of_a_killed_start_does_not_stop_the_next(warm: Path) -> None:
    place = locate(warm)
    (place.data / "postmaster.pid").touch()
    with attach(warm):
        assert status(warm).running


def test_a_released_lease_cannot_be_revived(warm: Path) -> None:
    lease = attach(warm)
    lease.release()
    lease.release()
    with pytest.raises(Unavailable, match="Attach again"):
        lease.revive()


def test_a_recycled_process_id_is_neither_believed_nor_harmed(warm: Path) -> None:
    with attach(warm) as lease:
        place = lease.place
        os.kill(running_pid(warm), signal.SIGKILL)
        stranger = subprocess.Popen(
            ["sleep", "60"],
            user=place.account.uid if place.account else None,
            extra_groups=[] if place.account else None,
        )
        try:
            file = place.data / "postmaster.pid"
            lines = file.read_text().splitlines()
            file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            assert not status(warm).running
            lease.revive()
            assert answers(lease)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_a_server_that_ignores_polite_stops_is_killed_with_its_backends(
    warm: Path, processes: Callable[[Path], dict[int, str]]
) -> None:
    with attach(warm) as lease:
        os.kill(running_pid(warm), signal.SIGSTOP)
        assert stop_server(lease.place, fast=0.2, immediate=0.2)
        commands = processes(lease.place.base).values()
        assert [one for one in commands if "storage.watcher" not in one] == []


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "a space, $HOME`id`", "quotes'\" ünïcode"])
def test_awkward_paths_work(directory: Path, removed: Callable[[Path], None], name: str) -> None:
    awkward = directory / name
    directory.chmod(0o755)
    try:
        with attach(awkward) as lease:
            assert answers(lease)
            assert len(f"{lease.dsn['host']}/.s.PGSQL.5432".encode()) <= 100
            assert stop(awkward)
    finally:
        removed(awkward)


def test_the_callers_environment_does_not_matter(
    warm: Path, client: Callable[..., subprocess.Popen[str]]
) -> None:
    process = client(warm, LANG="xx_XX", LC_ALL="xx_XX", PGPORT="1", PGHOST="x", PGDATA="/x")
    assert process.stdout
    assert process.stdout.readline() == f"{locate(warm).run}\n"


def test_packages_of_our_names_in_the_working_directory_do_not_matter(
    warm: Path,
    tmp_path: Path,
    client: Callable[..., subprocess.Popen[str]],
    processes: Callable[[Path], dict[int, str]],
    eventually: Callable[..., None],
) -> None:
    for decoy in ("storage", "tools"):
        (tmp_path / decoy).mkdir()
        (tmp_path / decoy / "__init__.py").write_text("raise SystemExit('the decoy was imported')")
    process = client(warm, cwd=tmp_path)
    assert process.stdout
    assert process.stdout.readline()
    base = locate(warm).base
    eventually(lambda: any("storage.watcher" in one for one in processes(base).values()))
    process.communicate(input="")
    eventually(lambda: not processes(base))


def test_data_of_another_major_version_is_refused_with_what_is_needed(warm: Path) -> None:
    attach(warm).release()
    stop(warm)
    other = next(one for one in _others(WHEEL.major))
    with pytest.raises(WrongDatabase, match=f"written by PostgreSQL {WHEEL.major}"):
        attach(warm, binaries=other.directory)


def _others(major: int) -> list[Binaries]:
    found: list[Binaries] = []
    for candidate in (15, 16, 17, 18):
        if candidate != major:
            try:
                found.append(find(major=candidate))
            except StorageError:
                continue
    return found or pytest.skip("only one major version of PostgreSQL is installed")


def test_existing_data_chooses_the_programs_of_its_major_version(directory: Path) -> None:
    other = _others(WHEEL.major)[0]
    attach(directory, binaries=other.directory).release()
    stop(directory)
    with attach(directory) as lease:
        assert lease.binaries.major == other.major
        assert answers(lease)


def test_a_directory_without_programs_names_the_remedies(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="FORESIGHT_DATABASE_URL"):
        attach(directory, binaries=tmp_path)


def test_a_directory_of_somebody_else_is_left_alone(directory: Path) -> None:
    (directory / "thesis.txt").write_text("years of work")
    mode = directory.stat().st_mode
    with pytest.raises(Unavailable, match="empty or new directory"):
        attach(directory)
    assert directory.stat().st_mode == mode


def test_damaged_files_are_named_as_such(warm: Path) -> None:
    with attach(warm) as lease:
        control = lease.place.data / "global" / "pg_control"
        stop(warm)
        with control.open("r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 50)
        with pytest.raises(Damaged, match="foresight db restore"):
            lease.revive()


def test_status_describes_a_running_and_a_missing_cluster(directory: Path) -> None:
    assert not status(directory).running
    assert status(directory).major is None
    with attach(directory):
        now = status(directory)
        assert now.running
        assert now.major == WHEEL.major
        assert now.size > 10_000_000
        assert now.log is not None


def test_a_leftover_of_a_killed_initdb_is_replaced(directory: Path) -> None:
    (directory / "data.new").mkdir()
    (directory / "data.new" / "PG_VERSION").write_text("18\n")
    with attach(directory) as lease:
        assert answers(lease)
        assert not lease.place.unfinished.exists()


@AS_ROOT
def test_the_server_runs_as_the_account_that_its_data_began_with(directory: Path) -> None:
    with attach(directory, account="nobody") as first, attach(directory) as second:
        assert first.place.account
        assert second.place.account == first.place.account
        owner = Path("/proc", str(running_pid(directory))).stat()
        assert (owner.st_uid, owner.st_gid) == (first.place.account.uid, first.place.account.gid)
        assert owner.st_uid != 0


@AS_ROOT
def test_root_uses_the_system_directory_when_the_account_cannot_get_there(
    directory: Path, removed: Callable[[Path], None]
) -> None:
    directory.chmod(0o700)
    hidden = directory / "private"
    try:
        with attach(hidden) as lease:
            assert answers(lease)
            assert lease.place.base.parent == Path("/var/lib/foresight")
            assert directory.stat().st_mode & 0o777 == 0o700
        directory.chmod(0o755)
        assert locate(hidden).base == lease.place.base  # it stays where its data is
    finally:
        removed(hidden)


@AS_ROOT
def test_programs_that_the_account_cannot_reach_are_copied(directory: Path, tmp_path: Path) -> None:
    prefix = WHEEL.directory.parent
    if not (prefix.parent / "__init__.py").exists():
        pytest.skip("PostgreSQL comes from the system here, which everybody can reach")
    private = tmp_path / "private"
    package = private / prefix.parent.name
    shutil.copytree(prefix, package / prefix.name, symlinks=True)
    libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
    shutil.copytree(libraries, private / libraries.name)
    (package / "__init__.py").touch()
    private.chmod(0o700)
    with attach(directory, binaries=package / prefix.name / "bin") as lease:
        assert answers(lease)
        assert lease.binaries.directory.is_relative_to(directory)
        assert private.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_an_unknown_account_is_named(directory: Path) -> None:
    with pytest.raises(Unavailable, match="nosuchaccount"):
        attach(directory, account="nosuchaccount")


def test_release_returns_at_once(warm: Path) -> None:
    lease = attach(warm)
    started = time.monotonic()
    lease.release()
    assert time.monotonic() - started < 0.1


def test_importing_the_watcher_does_not_import_the_driver() -> None:
    code = "import sys, storage.watcher, storage.pool; print('asyncpg' in sys.modules)"
    root = str(Path(__file__).parents[2])
    packages = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    shown = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": packages},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "False\n"
