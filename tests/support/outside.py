"""Programs that test the protocol from outside: made once, pinned, and kept outside the tree."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pytest

CACHE = platformdirs.user_cache_path("foresight-tests")
SECONDS = 400  # to install
UNREACHABLE = (  # as npm and pip say it
    "ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH",
    "NewConnectionError", "ConnectTimeoutError", "Temporary failure in name resolution",
)  # fmt: skip


@dataclass(frozen=True)
class Node:
    """Node, and where what is installed for it can be found."""

    program: Path
    place: Path

    def run(
        self, *arguments: str | Path, home: Path, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run JavaScript; what it writes to HOME goes to a directory of the test."""
        return subprocess.run(
            [self.program, *arguments],
            cwd=self.place,
            env={**os.environ, "HOME": str(home)},
            input=given,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )


def made(name: str, key: str, *commands: Sequence[str | Path], files: Sequence[Path] = ()) -> Path:
    """Return a directory that commands have made, now or in an earlier session.

    Args:
        name: What it is.
        key: What it is made from; another key is another directory.
        commands: Run in it, in order. Skips when one cannot reach its registry.
        files: Are copied into it first.
    """
    ready = CACHE / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if (ready / ".made").exists():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=CACHE) as making:
        for file in files:
            shutil.copy(file, making)
        for command in commands:
            done = subprocess.run(
                command, cwd=making, capture_output=True, text=True, timeout=SECONDS, check=False
            )
            if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
                pytest.skip(f"the registry for {name} is not reachable: {done.stderr[-200:]}")
            assert done.returncode == 0, done.stderr
        (Path(making) / ".made").touch()
        with suppress(OSError):  # another session was quicker
            Path(making).rename(ready)
            Path(making).mkdir()  # for the end of the block to remove
    return ready


@contextmanager
def process(*command: str | Path, env: Mapping[str, str], log: Path) -> Generator[str, None, None]:
    """Yield the address of a server, which is the last word of a line that it writes to stderr."""
    with log.open("w") as errors, log.open() as said:
        started = subprocess.Popen(command, env=dict(env), stdout=subprocess.DEVNULL, stderr=errors)
        try:
            line, until = "", time.monotonic() + 30
            while not line.endswith("/mcp\n"):
                assert started.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.02)
                line = line.rpartition("\n")[2] + said.readline()
            yield line.split()[-1]
        finally:
            started.kill()
            started.wait()
