"""Make a cluster and start it: everything that needs the PostgreSQL programs."""

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from storage.binaries import Binaries
from storage.cluster_places import Place, call
from storage.cluster_process import (
    STATE_LINE,
    line,
    neutralise,
    pid_lines,
    postmaster,
    socket_directory,
    stop,
)
from storage.errors import Damaged, Unavailable

USER, DATABASE, PORT = "foresight", "postgres", 5432
START_SECONDS = 300.0  # recovery after a crash reads all write-ahead log and syncs all files
INITDB_SECONDS = 300.0
SILENT_SECONDS = 5.0  # how long a live server may not answer at all before it is replaced
BUILTIN_LOCALE_MAJOR = 17
POLL = 0.05  # seconds between two questions whether the server accepts connections
READY, STARTING = 0, 1  # what pg_isready returns; anything else is no answer
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "max_wal_size": "256MB",  # little to replay after a crash
    "jit": "off",
    "max_logical_replication_workers": "0",
    "fsync": "on",
    "logging_collector": "on",
    "log_filename": "postgres-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}
DAMAGE = re.compile(
    r"invalid checksum|incorrect checksum|could not locate a valid checkpoint|page verification "
    r"failed|invalid primary checkpoint|calculated CRC checksum does not match"
)


def create(place: Place, binaries: Binaries, gate: int) -> None:
    """Make the data directory, whole or not at all.

    Args:
        place: The cluster.
        binaries: The programs that make it; their major version is the cluster's from then on.
        gate: The descriptor of the gate's lock. initdb inherits it, so that the gate stays shut
            until it has ended even when this process is killed.

    Raises:
        Unavailable: initdb failed; the text carries what it said.
    """
    _refuse_nameless(place)
    discard_unfinished(place)
    place.unfinished.mkdir(mode=0o700)
    if place.account:  # platform: root
        os.chown(place.unfinished, place.account.uid, place.account.gid)
    # through a shell only to have the words of a failure in a file: a pipe would break, and initdb
    # with it, when this process is killed
    flags = ["-U", USER, "-E", "UTF8", "-A", "trust", "--no-instructions", "--data-checksums"]
    if binaries.major >= BUILTIN_LOCALE_MAJOR:
        flags += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [binaries.program("initdb"), "-D", str(place.unfinished), "--locale=C", *flags]
    said = place.log / "initdb.log"
    shell = ["/bin/sh", "-c", 'exec "$@" >"$0" 2>&1', str(said), *command]
    done = place.call(shell, seconds=INITDB_SECONDS, inherited=(gate,))
    if done.returncode != 0:
        words = last_words(said)
        discard_unfinished(place)
        raise Unavailable(f"PostgreSQL could not make its data in {place.base}: {words}")
    place.unfinished.rename(place.data)


def discard_unfinished(place: Place) -> None:
    """Remove what a killed initdb left; call only behind the gate."""
    if place.unfinished.exists():
        shutil.rmtree(place.unfinished)


def settle(place: Place) -> None:
    """Undo an upgrade that was killed, or do its last step; call only behind the gate."""
    if not place.data.exists() and place.converted.exists():
        place.converted.rename(place.data)
    if place.beside.base.exists():
        for served in (place, place.beside):  # pg_upgrade starts servers on both
            stop(served, fast=5.0, immediate=5.0)
    for leftover in (place.beside.base, place.converted):
        if leftover.exists():
            shutil.rmtree(leftover)


def run(place: Place, binaries: Binaries) -> None:
    """Return once the server accepts connections, starting it unless it runs.

    Raises:
        Unavailable: It did not within START_SECONDS, or refused; the text carries its last words.
        Damaged: It refuses its own files.
    """
    deadline = time.monotonic() + START_SECONDS
    heard = time.monotonic()
    while (answer := _ask(place, binaries)) != READY:
        if time.monotonic() > deadline:
            raise _failure(place, f"did not accept connections within {START_SECONDS:.0f} s")
        if answer == STARTING:
            heard = time.monotonic()
        if postmaster(place) is None:
            _start(place, binaries)
        elif _is_stuck(place, time.monotonic() - heard):
            stop(place, fast=5.0, immediate=5.0)
        else:
            time.sleep(POLL)


def reachable(place: Place, binaries: Binaries) -> Binaries:
    """Return the programs, or a copy of them that the server's account may run.

    Raises:
        Unavailable: The account can run neither them nor a copy.
    """
    if place.account is None or _runs(place, binaries):
        return binaries
    prefix = binaries.directory.parent
    package = prefix.parent
    stamp = int(binaries.directory.stat().st_mtime)
    home = place.base / "programs" / f"{package.name}-{binaries.major}-{stamp}"
    copy = Binaries(home / package.name / prefix.name / "bin", binaries.major)
    if not home.exists() and (package / "__init__.py").exists():
        _copy(prefix, package, home)
    if _runs(place, copy):
        return copy
    raise Unavailable(
        f"User id {place.uid}, which the server runs as, may not run {binaries.directory}. Install "
        "PostgreSQL from your system's packages and name its directory of programs in "
        "FORESIGHT_PG_BIN, or set FORESIGHT_DATABASE_URL."
    )


def _copy(prefix: Path, package: Path, home: Path) -> None:  # platform: root
    """Copy programs with the libraries they find by a path relative to themselves."""
    half = home.with_name(f"{home.name}.new")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(prefix, half / package.name / prefix.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for directory in (home.parent, half, half / package.name):
        directory.chmod(0o755)
    half.rename(home)


def _runs(place: Place, binaries: Binaries) -> bool:
    command = [binaries.program("postgres"), "-V"]
    try:
        return call(place.account, command, seconds=20).returncode == 0
    except OSError:
        return False


def _ask(place: Place, binaries: Binaries) -> int:
    address = ["-h", str(socket_directory(place)), "-p", str(PORT), "-d", DATABASE, "-U", USER]
    command = [binaries.program("pg_isready"), "-q", "-t", "3", *address]
    return place.call(command, seconds=20).returncode


def _is_stuck(place: Place, silent: float) -> bool:
    state = line(pid_lines(place), STATE_LINE)
    return state == "stopping" or (state == "ready" and silent > SILENT_SECONDS)


def _start(place: Place, binaries: Binaries) -> None:
    neutralise(place)
    said = place.log / "start.log"
    said.unlink(missing_ok=True)
    options = " ".join(shlex.quote(one) for one in _options(place))
    command = [
        "-w",
        "-s",
        "-t",
        str(int(START_SECONDS)),
        "-l",
        os.path.relpath(said, place.base),
        "-o",
        options,
        "start",
    ]
    # pg_ctl hands its arguments to a shell badly quoted: so one in the environment, one relative
    environment = ["env", f"PGDATA={place.data}"]
    try:
        done = place.call(
            [*environment, binaries.program("pg_ctl"), *command], seconds=START_SECONDS + 30
        )
    except subprocess.TimeoutExpired as error:
        raise _failure(place, f"did not start within {START_SECONDS:.0f} s") from error
    if done.returncode != 0 and postmaster(place) is None:
        raise _failure(place, "did not start")


def _options(place: Place) -> Iterator[str]:
    quoted = str(place.run).replace('"', '""')
    directories = {
        "unix_socket_directories": f'"{quoted}"',
        "log_directory": str(place.log),
    }
    for name, value in (SETTINGS | directories).items():
        yield from ("-c", f"{name}={value}")


def _failure(place: Place, what: str) -> Unavailable | Damaged:
    logs = sorted(place.log.glob("*.log"), key=lambda one: one.stat().st_mtime)
    words = "\n".join(last_words(one) for one in logs[-2:]).strip()
    if DAMAGE.search(words):
        return Damaged(
            f"PostgreSQL refuses the data in {place.data}: {words}\nRestore the newest dump from "
            f"{place.dumps} with `foresight db restore`; keep a copy of the data first."
        )
    return Unavailable(
        f"PostgreSQL in {place.base} {what}. Its log is in {place.log}; last words: {words}"
    )


def last_words(path: Path, characters: int = 600) -> str:
    """Return the end of what a program wrote to a file."""
    try:
        return path.read_text(errors="replace")[-characters:].strip()
    except OSError:
        return ""


def _refuse_nameless(place: Place) -> None:
    import pwd  # absent on Windows

    try:
        pwd.getpwuid(place.uid)
    except KeyError as error:
        raise Unavailable(
            f"PostgreSQL needs a name for user id {place.uid}, which has none. Add it to "
            "/etc/passwd, run Foresight as a named user, or set FORESIGHT_DATABASE_URL."
        ) from error
