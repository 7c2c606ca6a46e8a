"""Bring the embedded cluster to a newer major version of PostgreSQL: `foresight db upgrade`.

The old data is only read. A new cluster is made beside it, filled by pg_upgrade, opened once to
prove that it works, and renamed into its place in two steps; the old data stays under another name.
Killed at any moment, this leaves either the old data where it was, or a last step that the next
start of the cluster does (`cluster_setup.settle`).
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.binaries import Binaries, find
from storage.cluster_locks import CLIENTS, drop, gate, open_lock, take_within
from storage.cluster_places import Place, call, locate, prepare
from storage.cluster_process import socket_directory, stop
from storage.cluster_setup import (
    DATABASE,
    PORT,
    USER,
    create,
    last_words,
    reachable,
    run,
    settle,
)
from storage.embedded import GATE_SECONDS, watch, wrapped
from storage.errors import Damaged, Unavailable, WrongDatabase

PATIENCE_SECONDS = 1.0  # for a watcher that holds the clients' lock for a moment
CONVERT_SECONDS = 4 * 3600.0  # pg_upgrade copies everything
FAST, IMMEDIATE = 60.0, 15.0  # seconds: a stop with its checkpoint, and one without


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What became of the cluster; both versions are the same when nothing newer is installed."""

    place: Place
    before: int
    after: int


def upgrade(
    requested: Path, *, binaries: Path | None = None, account: str | None = None
) -> Upgraded:
    """Convert the cluster of a directory to the major version of the programs; blocks.

    Args:
        requested: As for `storage.embedded.attach`.
        binaries: The directory of the newer programs; None searches for them. Those of the version
            that wrote the data are always searched for.
        account: As for `storage.embedded.attach`.

    Raises:
        Unavailable: The cluster is in use or pg_upgrade failed; the old data is as it was.
        WrongDatabase: There is no data, or the programs that wrote it are not installed.
        Damaged: The old server refuses its own files.
    """
    place = locate(requested, account)
    with wrapped(place):
        prepare(place)
        with gate(place.base, GATE_SECONDS) as shut, _alone(place):
            settle(place)
            before, new = _written_by(place), find(binaries)
            if new.major <= before:
                return Upgraded(place, before, before)
            old = find(major=before)
            _refuse_leftover(place.kept(before))
            watch(place)  # should this process be killed while a server runs
            _check_clean(place, reachable(place, old))
            try:
                _convert(place, reachable(place, old), reachable(place, new), shut)
                _prove(place.beside, reachable(place, new))
            except BaseException:
                settle(place)
                raise
            _swap(place, before)
    return Upgraded(place, before, new.major)


def kept(place: Place) -> list[Path]:
    """Return the directories in which upgrades have kept older data."""
    return sorted(one for one in place.base.glob("data.*") if one.suffix[1:].isdigit())


def _written_by(place: Place) -> int:
    major = place.major()
    if major is None:
        raise WrongDatabase(
            f"There is no data in {place.base} yet, so there is nothing to upgrade. The next start "
            "of Foresight makes it."
        )
    return major


@contextmanager
def _alone(place: Place) -> Generator[None, None, None]:
    """Be the only client, which the kernel knows for sure."""
    lock = open_lock(place.base / CLIENTS)
    try:
        try:
            take_within(lock, PATIENCE_SECONDS)
        except Unavailable as error:
            raise Unavailable(
                f"Other processes use the database in {place.base}. Close the clients, servers and "
                "workers of Foresight, then repeat."
            ) from error
        yield
    finally:
        drop(lock)


def _refuse_leftover(directory: Path) -> None:
    if directory.exists():
        raise Unavailable(
            f"{directory} is there already, kept by an earlier upgrade. Move it away or delete it, "
            "then repeat."
        )


def _check_clean(place: Place, old: Binaries) -> None:
    """Start and stop the old server: whatever a crash left is recovered by then."""
    run(place, old)
    stop(place, fast=FAST, immediate=IMMEDIATE)


def _convert(place: Place, old: Binaries, new: Binaries, shut: int) -> None:
    if not Path(new.program("pg_upgrade")).exists():
        raise Unavailable(
            f"Expected pg_upgrade among the programs of PostgreSQL {new.major}, found none in "
            f"{new.directory}. Name a directory that has it in FORESIGHT_PG_BIN."
        )
    beside = place.beside
    prepare(beside)
    create(beside, new, shut)
    said = place.log / "upgrade.log"
    which = ["-b", str(old.directory), "-B", str(new.directory)]
    where = ["-d", str(place.data), "-D", str(beside.data), "-s", str(place.run), "-U", USER]
    # The gate is the shell's input, so that it stays shut until pg_upgrade has ended even when this
    # process is killed; but no server that pg_upgrade starts inherits it and could hold it longer.
    shell = ["/bin/sh", "-c", '"$@" </dev/null >"$0" 2>&1; exit $?', str(said)]
    command = [*shell, new.program("pg_upgrade"), *which, *where]
    done = call(place.account, command, seconds=CONVERT_SECONDS, cwd=beside.log, stdin=shut)
    if done.returncode != 0:
        raise Unavailable(
            f"pg_upgrade could not bring the data in {place.data} from PostgreSQL {old.major} to "
            f"{new.major}; the data is as it was. {said} says more; its last words: "
            f"{last_words(said)}"
        )


def _prove(beside: Place, new: Binaries) -> None:
    """Open the new cluster, and let it count what the planner wants to know of its tables."""
    run(beside, new)
    host = str(socket_directory(beside))
    address = ["-h", host, "-p", str(PORT), "-U", USER, "-d", DATABASE]
    analyze = [new.program("psql"), "-Xqw", "-v", "ON_ERROR_STOP=1", *address, "-c", "analyze"]
    done = beside.call(analyze, seconds=CONVERT_SECONDS)
    stop(beside, fast=FAST, immediate=IMMEDIATE)
    if done.returncode != 0:
        raise Damaged(
            f"The upgraded data could not be read, so it was discarded; see {beside.log}. The data "
            "is as it was."
        )


def _swap(place: Place, before: int) -> None:
    place.beside.data.rename(place.converted)
    place.data.rename(place.kept(before))
    place.converted.rename(place.data)
    descriptor = os.open(place.base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    settle(place)
