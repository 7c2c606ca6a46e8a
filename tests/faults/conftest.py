"""Installations to disturb, and the figures at the end of the session."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from premises import EMPTY_WITHIN, Premises, until
from scene import Scene, copied
from served import foresight
from tally import TALLY

from storage.binaries import find
from storage.cluster_setup import reachable
from storage.embedded import stop

ROWS = "mixin_a,mixin_b,node_type,success_count,failure_count\n" + "".join(
    f"M{i % 10},N{i // 10},EFFECT,{i % 5},2\n" for i in range(80)
)
FAKETIME = "faketime/libfaketime.so.1"

Open = Callable[..., Scene]


@pytest.fixture(scope="session")
def template(scratch: Path) -> Iterator[tuple[Path, int]]:
    """A data directory with a history, and how many outcomes it has."""
    premises = Premises(Path(tempfile.mkdtemp(prefix="ff-", dir=scratch))).prepare()
    env = premises.environment()
    done = foresight(env, "import", "mixins", "-", given=ROWS)
    assert done.returncode == 0, done.stderr
    rows = len(premises.outcomes(env))
    premises.emptied()
    yield premises.place.base, rows
    premises.clear()


@pytest.fixture
def scene(template: tuple[Path, int], scratch: Path) -> Iterator[Open]:
    """Open an installation with a history; further arguments are settings."""
    opened: list[Scene] = []

    def start(
        seed: int,
        *,
        url: str = "",
        cluster: Path | None = None,
        programs: bool = False,
        prepare: Callable[[Path], None] = lambda _: None,
        **settings: str,
    ) -> Scene:
        root = Path(tempfile.mkdtemp(prefix="ff-", dir=scratch))
        premises = Premises(root).prepare()
        prepare(premises.data)
        if programs:
            link = root / "programs"
            link.symlink_to(reachable(premises.place, find()).directory)
            settings["FORESIGHT_PG_BIN"] = str(link)
        before = 0
        if cluster is None:
            copied(template[0], premises)
            before = template[1]
        env = premises.environment(url, **settings)
        opened.append(Scene(premises, seed, env, before, cluster))
        return opened[-1]

    yield start
    for each in opened:
        each.premises.clear()


@pytest.fixture
def other_cluster(scratch: Path) -> Iterator[Path]:
    """The directory of a database that the product does not start."""
    made = Path(tempfile.mkdtemp(prefix="ff-", dir=scratch))
    yield made
    stop(made)
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def disk() -> Iterator[Callable[[Path, str], None]]:
    """Mount a small disk over a directory; ask for it before what is to use it."""
    mounted: list[Path] = []

    def mount(where: Path, size: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", str(where)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            skip(f"disk full: no file system can be mounted here ({done.stderr.strip()})")
        mounted.append(where)

    yield mount
    for where in mounted:
        until(partial(unmounted, where), EMPTY_WITHIN, "the disk is not used any more")
        shutil.rmtree(where.parent)


@pytest.fixture
def preloaded() -> Path:
    """The library that gives a program another clock."""
    found = list(Path("/usr/lib").glob(f"*/{FAKETIME}"))
    if not found:
        skip("clock jump: the package faketime is not installed")
    return found[0]


def unmounted(where: Path) -> bool:
    """Take a disk away, unless somebody is still there."""
    done = subprocess.run(["umount", str(where)], capture_output=True, check=False)
    return done.returncode == 0


def skip(why: str) -> NoReturn:
    """Skip a fault that this machine does not permit, by name."""
    TALLY.skipped.append(why)
    pytest.skip(why)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures; as JSON, too, where FAULT_FIGURES names a file."""
    if not TALLY.faults and not TALLY.skipped:
        return
    terminalreporter.section("faults")
    for line in TALLY.lines():
        terminalreporter.write_line(line)
    if path := os.environ.get("FAULT_FIGURES"):
        TALLY.write(Path(path))
