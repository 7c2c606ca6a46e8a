"""A clock that is set forward and back, for servers, worker, trainer and database alike."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from scene import Scene

from storage.binaries import PROGRAMS, Binaries, find
from storage.cluster_setup import reachable

pytestmark = [pytest.mark.timeout(900), pytest.mark.heavy]

Open = Callable[..., Scene]

# Python's sleep fails under libfaketime, so Python processes read the same file by themselves.
SHIFTED = """
import time
from pathlib import Path

real, file = time.time, Path({file!r})
time.time = lambda: real() + float(file.read_text())
"""


@dataclass(frozen=True)
class Clock:
    """The clock of an installation: seconds ahead of the real one, in a file."""

    home: Path

    @property
    def file(self) -> Path:
        """Where it stands."""
        return self.home / "now"

    def set(self, seconds: int) -> None:
        """Set it; in one step, for whoever reads it meanwhile."""
        new = self.home / "new"
        new.write_text(f"{seconds:+d}")
        new.replace(self.file)

    def install(self, library: Path, real: Binaries) -> None:
        """Make PostgreSQL programs and a Python start-up file that go by it."""
        self.home.mkdir(mode=0o755)
        self.set(0)
        (self.home / "sitecustomize.py").write_text(SHIFTED.format(file=str(self.file)))
        words = (
            f"LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={self.file} FAKETIME_CACHE_DURATION=1 "
            "FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1"
        )
        for name in PROGRAMS:
            script = self.home / name
            before = f"env {words} " if name == "pg_ctl" else ""
            script.write_text(f'#!/bin/sh\nexec {before}{real.program(name)} "$@"\n')
            script.chmod(0o755)


HOUR, DAY = 3600, 86400


@pytest.mark.parametrize("jumps", [(DAY, -HOUR), (-DAY, HOUR)], ids=["forward", "back"])
def test_a_clock_that_is_set_harms_neither_outcomes_nor_leases(
    scene: Open, preloaded: Path, jumps: tuple[int, ...]
) -> None:
    with scene(1) as disturbed:
        clock = Clock(disturbed.premises.root / "clock")
        clock.install(preloaded, reachable(disturbed.premises.place, find()))
        home = str(clock.home)
        disturbed.env = {**disturbed.env, "FORESIGHT_PG_BIN": home, "PYTHONPATH": home}
        disturbed.open(1, worker=True)
        disturbed.moment()
        disturbed.training()
        for jump in jumps:
            clock.set(jump)
            disturbed.go_on()
        disturbed.training()
        assert disturbed.worker is not None
        disturbed.worker.kill()  # its lease must not last until the clock is there again
        disturbed.worker.wait()
        clock.set(-3 * DAY)
        disturbed.check_learning_goes_on()
        disturbed.close()
        disturbed.check_promises()
