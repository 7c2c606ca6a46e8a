"""Dump a database to one file and read it back, with PostgreSQL's own tools.

A dump carries neither owners nor rights, so that it moves between the embedded server and any
other. All functions block; call them in a thread.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from storage.binaries import Binaries
from storage.embedded import Lease
from storage.errors import Damaged, StorageError, Unavailable, WrongDatabase

KEPT = 3  # dumps from before migrations
EMPTY = "select not exists (select from pg_class where relnamespace = 'public'::regnamespace)"
# exactly what initdb makes, so that a later dump does not mention the schema
CLEAR = (
    "drop schema public cascade; create schema public authorization pg_database_owner;"
    "grant usage on schema public to public"
)

Source = Mapping[str, object] | str  # `Lease.dsn`, or a URL


def dump(source: Source, file: Path, tools: Binaries) -> Path:
    """Write a database to a file, which appears only when it is whole; return the file.

    Raises:
        Unavailable: pg_dump failed; the text carries what it said.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = file.with_name(f"{file.name}.part")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    try:
        _call(source, tools, "pg_dump", "-Fc", "--no-owner", "--no-privileges", "-f", str(half))
        with half.open("rb") as written:
            os.fsync(written.fileno())
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
    return file


def restore(target: Source, file: Path, tools: Binaries) -> None:
    """Replace what the database holds with a dump, wholly or not at all.

    Only a lease's database is emptied for it. One named by a URL must be empty, because it may hold
    what is not ours.

    Raises:
        Damaged: The file is not a whole dump.
        WrongDatabase: The database of a URL is not empty.
        Unavailable: The database does not answer, or others hold locks in it.
    """
    ours = not isinstance(target, str)
    if not ours and _call(target, tools, "psql", "-XAtc", EMPTY).strip() != "t":
        raise WrongDatabase(
            "Expected an empty database to restore into, found tables in its schema `public`. "
            "Create a new database and name it in FORESIGHT_DATABASE_URL."
        )
    with tempfile.TemporaryDirectory() as directory:
        # the whole script first: psql would commit what it got of one that breaks off
        script = Path(directory, "dump.sql")
        _script(file, script, tools)
        clear = ["-c", CLEAR] if ours else []
        _call(target, tools, "psql", "-Xq1", "-v", "ON_ERROR_STOP=1", *clear, "-f", str(script))


def dump_before_migration(lease: Lease) -> Path:
    """Dump the embedded database beside its data, keep the newest KEPT, return the new one."""
    name = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    written = dump(lease.dsn, lease.place.dumps / f"{name}-{time.time_ns()}.dump", lease.binaries)
    keep(lease.place.dumps)
    return written


def keep(directory: Path, count: int = KEPT) -> None:
    """Delete all but the newest dumps of a directory; their names sort by time."""
    for old in sorted(directory.glob("*.dump"))[:-count]:
        old.unlink(missing_ok=True)


def _script(file: Path, script: Path, tools: Binaries) -> None:
    command = ["--no-owner", "--no-privileges", "-f", str(script), str(file)]
    done = _run([tools.program("pg_restore"), *command], {})
    if done.returncode != 0:
        raise Damaged(
            f"Expected a whole dump in {file}; pg_restore says: {_words(done)}. Use another dump."
        )


def _call(source: Source, tools: Binaries, program: str, *arguments: str) -> str:
    address, secret = _address(source)
    done = _run([tools.program(program), "--no-password", *address, *arguments], secret)
    if done.returncode != 0:
        raise _failure(program, done)
    return done.stdout


def _failure(program: str, done: subprocess.CompletedProcess[str]) -> StorageError:
    return Unavailable(
        f"{program} failed: {_words(done)}. If the server is newer than the tool or wants TLS, "
        "install the server's own version and name its directory of programs in FORESIGHT_PG_BIN."
    )


def _words(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip()[-600:]


def _run(command: list[str], secret: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "PGOPTIONS": "-c lock_timeout=30s", **secret}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )


def _address(source: Source) -> tuple[list[str], dict[str, str]]:
    """Return the options that name a database, and its password for the environment.

    On the command line every user of the machine could read the password.
    """
    if not isinstance(source, str):
        options = [f"--host={source['host']}", f"--port={source['port']}"]
        return [*options, f"--username={source['user']}", f"--dbname={source['database']}"], {}
    parts = urlsplit(source)
    if parts.password is None:
        return [f"--dbname={source}"], {}
    user = quote(unquote(parts.username or ""), safe="")
    bare = parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}")
    return [f"--dbname={urlunsplit(bare)}"], {"PGPASSWORD": unquote(parts.password)}
