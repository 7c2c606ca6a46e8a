"""A data directory of its own: who is alive there, and what they leave behind."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from served import environment, foresight

from storage.cluster_places import Place, locate
from storage.embedded import Lease, attach, stop

LEARNER = "mixin_compatibility"
EMPTY_WITHIN = 10.0  # seconds after the last client


def until(claim: Callable[[], object], seconds: float, what: str, *, every: float = 0.02) -> float:
    """Wait until a claim is true; return the seconds it took."""
    start = time.monotonic()
    while not claim():
        assert time.monotonic() - start < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(every)
    return time.monotonic() - start


@dataclass(frozen=True)
class Premises:
    """A directory with everything of one installation, and nothing else."""

    root: Path
    _homes: set[str] = field(default_factory=set[str], repr=False, compare=False)

    @property
    def data(self) -> Path:
        """FORESIGHT_DATA_DIR."""
        return self.root / "d"

    @property
    def cluster(self) -> Path:
        """The embedded database's directory, as it is asked for."""
        return self.data / "postgres"

    @property
    def place(self) -> Place:
        """Where the embedded database really lives."""
        return locate(self.cluster)

    @property
    def temporary(self) -> Path:
        """TMPDIR of the processes."""
        return self.root / "tmp"

    def prepare(self) -> "Premises":
        """Make the directories, open to the account that root lends the database to."""
        self.root.chmod(0o711)
        self.data.mkdir(mode=0o711, exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        return self

    def environment(self, url: str = "", **more: str) -> dict[str, str]:
        """Return the environment of a process that touches nothing else."""
        found = environment(url, self.data, TMPDIR=str(self.temporary), **more)
        return {name: value for name, value in found.items() if name != "PYTHONPATH"}

    def alive(self) -> dict[int, str]:
        """Return the live processes that belong here: by command, directory or environment."""
        homes = self._homes or {str(self.root), str(self.place.base)}
        self._homes.update(homes)  # asking where it lives starts processes: once will do
        return {
            int(entry.name): command
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and int(entry.name) != os.getpid()
            if (command := self._command(entry))
        }

    def _command(self, process: Path) -> str:
        """Return a process's command if it lives and belongs here."""
        try:
            if (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return ""
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            there = str((process / "cwd").readlink())
            around = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            return ""
        ours = f"FORESIGHT_DATA_DIR={self.data}".encode() in around
        return (
            command if ours or any(each in command or each in there for each in self._homes) else ""
        )

    def named(self, words: str) -> list[int]:
        """Return the live processes here whose command holds the words."""
        return [pid for pid, command in self.alive().items() if words in command]

    def emptied(self) -> float:
        """Wait until nobody is alive here; return the seconds it took."""
        start = time.monotonic()
        while (left := self.alive()) and time.monotonic() - start < EMPTY_WITHIN:
            time.sleep(0.05)
        assert not left, f"alive {EMPTY_WITHIN:g} s after the last client: {left}"
        return time.monotonic() - start

    def litter(self) -> list[str]:
        """Return what lies in the temporary directory."""
        return sorted(str(path.relative_to(self.temporary)) for path in self.temporary.rglob("*"))

    def outcomes(self, env: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return every stored outcome, as the command prints them."""
        done = foresight(env, "export", "outcomes", "--json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def clear(self) -> None:
        """Stop everything and delete it."""
        place = self.place
        stop(self.cluster)
        if (place.data / "postmaster.pid").exists():  # killed: its shared memory goes, too
            with attach(self.cluster):
                pass
            stop(self.cluster)
        for path in {self.root, place.base, place.run}:
            shutil.rmtree(path, ignore_errors=True)


def ask_sql(lease: Lease, sql: str) -> str:
    """Return what a query says, straight from the embedded database."""
    dsn = lease.dsn
    address = ["-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], "-d", dsn["database"]]
    command = [lease.binaries.program("psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", *address]
    done = subprocess.run([*command, "-c", sql], check=True, capture_output=True, text=True)
    return done.stdout.strip()
