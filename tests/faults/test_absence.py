"""While the database is away, advice goes on, degraded; what is told then is stored afterwards."""

import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from premises import until
from scene import Scene
from served import url_of

from storage.embedded import attach, status, stop

pytestmark = pytest.mark.timeout(400)

Open = Callable[..., Scene]

SILENCE = 5.0  # longest time without an answer, on a loaded machine

MINUTE = pytest.param(60.0, marks=pytest.mark.heavy)


@contextmanager
def programs_away(scene: Scene) -> Generator[None, None, None]:
    """The server is killed and cannot be started."""
    link = scene.premises.root / "programs"
    target = link.readlink()
    link.unlink()
    pid = status(scene.premises.cluster).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    yield
    link.symlink_to(target)


@contextmanager
def frozen(scene: Scene) -> Generator[None, None, None]:
    """All processes of the server are stopped: they are there, and do not answer."""
    postmaster = status(scene.premises.cluster).pid
    assert postmaster is not None
    family = [postmaster, *scene.premises.named("postgres: ")]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in family:
        if Path(f"/proc/{pid}").exists():  # it may have been replaced meanwhile
            os.kill(pid, signal.SIGCONT)


def ask_on(scene: Scene, seconds: float) -> None:
    """Let time pass; check that the host that only asks was answered all the while."""
    asker = next(host for host in scene.hosts if not host.tells)
    start = time.monotonic()
    until(lambda: time.monotonic() - start > seconds, seconds + 5, "time passed")
    answers = [each for each in asker.answers if each[0] > start]
    times = [start, *(at for at, _ in answers), time.monotonic()]
    assert max(later - earlier for earlier, later in pairwise(times)) < SILENCE
    assert answers[-1][1], f"the last answer is not flagged as degraded: {asker.wire.said()}"


@pytest.mark.parametrize("seconds", [4.0, MINUTE])
def test_an_embedded_database_that_cannot_be_started_for_a_while(
    scene: Open, seconds: float
) -> None:
    with scene(1, programs=True) as disturbed:
        disturbed.open(1, asker=True)
        disturbed.moment()
        with programs_away(disturbed):
            ask_on(disturbed, seconds)
        disturbed.go_on()
        asker = next(host for host in disturbed.hosts if not host.tells)
        until(lambda: not asker.answers[-1][1], 60, "answers were not degraded any more")
        disturbed.close()
        disturbed.check_promises()
        assert (disturbed.book.refused > 0) is (seconds > 12)


@pytest.mark.heavy
def test_an_embedded_database_that_hangs(scene: Open) -> None:
    with scene(2) as disturbed:
        disturbed.open(1, asker=True)
        disturbed.moment()
        with frozen(disturbed):
            disturbed.go_on()  # it is replaced while its processes are still stopped
        disturbed.close()
        disturbed.check_promises()


@pytest.mark.heavy
@pytest.mark.parametrize("seconds", [5.0, 60.0])
def test_an_external_database_that_is_stopped_for_a_while(
    scene: Open, other_cluster: Path, seconds: float
) -> None:
    with (
        attach(other_cluster) as lease,
        scene(3, url=url_of(lease.dsn), cluster=other_cluster) as disturbed,
    ):
        disturbed.open(1, asker=True)
        disturbed.moment()
        assert stop(other_cluster)
        ask_on(disturbed, seconds)
        lease.revive()
        disturbed.go_on()
        disturbed.close()
        disturbed.check_promises()
        assert (disturbed.book.refused > 0) is (seconds > 12)
