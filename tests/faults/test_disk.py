"""A disk that becomes full: nothing acknowledged is lost, and space is all it takes to go on."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from premises import until
from scene import Scene

pytestmark = [pytest.mark.timeout(400), pytest.mark.heavy]

Open = Callable[..., Scene]

SPACE = "160m"


def fill(ballast: Path) -> None:
    """Write until nothing more fits."""
    size = 1 << 20
    with ballast.open("ab", buffering=0) as file:
        while size:
            try:
                file.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2


def refused_on(scene: Scene, ballast: Path) -> bool:
    """Take what space became free; return whether tells have been refused."""
    fill(ballast)
    return scene.book.refused > 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_full_disk_refuses_what_it_cannot_keep_and_goes_on_when_there_is_space(
    disk: Callable[[Path, str], None], scene: Open, seed: int
) -> None:
    with scene(seed, prepare=lambda data: disk(data, SPACE)) as disturbed:
        disturbed.open(1, asker=True, worker=True)
        disturbed.moment()
        disturbed.request()
        ballast = disturbed.premises.data / "ballast"
        fill(ballast)
        until(lambda: refused_on(disturbed, ballast), 120, "tells were refused", every=0.2)
        assert all(host.alive for host in disturbed.hosts)
        ballast.unlink()
        disturbed.go_on()
        disturbed.close()
        disturbed.check_promises()
