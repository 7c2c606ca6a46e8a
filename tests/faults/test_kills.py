"""Whatever is killed, and whenever: nothing acknowledged is lost, and nobody is left behind."""

import os
import signal
from collections.abc import Callable

import pytest
from scene import Scene
from seeds import seeds

from storage.embedded import status

pytestmark = pytest.mark.timeout(300)

Open = Callable[..., Scene]
Fault = Callable[[Scene], None]


def kill_a_server(scene: Scene) -> None:
    scene.rng.choice(scene.living()).kill()


def kill_all_servers(scene: Scene) -> None:
    for host in scene.living():
        host.kill()


def kill_the_postmaster(scene: Scene) -> None:
    pid = status(scene.premises.cluster).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def kill_a_backend(scene: Scene) -> None:
    os.kill(scene.rng.choice(scene.premises.named("postgres: foresight")), signal.SIGKILL)


def kill_the_postmaster_and_a_server(scene: Scene) -> None:
    kill_the_postmaster(scene)
    kill_a_server(scene)


def kill_the_watcher_and_all_servers(scene: Scene) -> None:
    for pid in scene.premises.named("-S -m storage.watcher"):
        os.kill(pid, signal.SIGKILL)
    kill_all_servers(scene)


def terminate_a_server(scene: Scene) -> None:
    host = scene.rng.choice(scene.living())
    scene.left(host.exits(host.wire.process.terminate))


def interrupt_a_server(scene: Scene) -> None:
    host = scene.rng.choice(scene.living())
    scene.left(host.exits(lambda: host.wire.process.send_signal(signal.SIGINT)))


def end_the_input(scene: Scene) -> None:
    host = scene.rng.choice(scene.living())
    scene.left(host.leave())


def lose_a_client(scene: Scene) -> None:
    host = scene.rng.choice(scene.living())
    scene.left(host.exits(host.vanish))


CHEAP: list[Fault] = [kill_all_servers, lose_a_client]
FAULTS: list[Fault] = [
    *CHEAP,
    kill_a_server,
    kill_the_postmaster,
    kill_a_backend,
    kill_the_postmaster_and_a_server,
    kill_the_watcher_and_all_servers,
    terminate_a_server,
    interrupt_a_server,
    end_the_input,
]


@pytest.mark.parametrize(
    ("fault", "seed"),
    [pytest.param(fault, 0, id=fault.__name__) for fault in CHEAP] + seeds(FAULTS),
)
def test_no_acknowledged_outcome_is_lost_and_nobody_stays(
    scene: Open, fault: Fault, seed: int
) -> None:
    with scene(seed) as disturbed:
        disturbed.open()
        disturbed.moment()
        fault(disturbed)
        disturbed.go_on()
        disturbed.close()
        disturbed.check_promises()
