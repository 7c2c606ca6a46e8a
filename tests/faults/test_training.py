"""A training that is killed, or whose process is, is done by the next; no lease is stuck."""

import os
import signal
from collections.abc import Callable

import pytest
from scene import Scene
from seeds import seeds

pytestmark = [pytest.mark.timeout(900), pytest.mark.heavy]

Open = Callable[..., Scene]
Fault = Callable[[Scene], None]


def kill_the_trainer(scene: Scene) -> None:
    os.kill(scene.training(), signal.SIGKILL)


def kill_the_worker(scene: Scene) -> None:
    scene.training()
    assert scene.worker is not None
    scene.worker.kill()
    scene.worker.wait()


def kill_the_worker_and_its_trainer(scene: Scene) -> None:
    trainer = scene.training()
    assert scene.worker is not None
    os.kill(trainer, signal.SIGKILL)
    scene.worker.kill()
    scene.worker.wait()


def terminate_the_worker(scene: Scene) -> None:
    scene.training()
    worker = scene.worker
    assert worker is not None
    scene.left(scene.timed(worker.terminate, worker))


def interrupt_the_worker(scene: Scene) -> None:
    scene.training()
    worker = scene.worker
    assert worker is not None
    scene.left(scene.timed(lambda: worker.send_signal(signal.SIGINT), worker))


def kill_everybody(scene: Scene) -> None:
    kill_the_worker(scene)
    for host in scene.living():
        host.kill()


FAULTS: list[Fault] = [
    kill_the_trainer,
    kill_the_worker,
    kill_the_worker_and_its_trainer,
    terminate_the_worker,
    interrupt_the_worker,
    kill_everybody,
]


@pytest.mark.parametrize(("fault", "seed"), seeds(FAULTS))
def test_a_training_that_was_ended_is_done_by_the_next(
    scene: Open, fault: Fault, seed: int
) -> None:
    with scene(seed) as disturbed:
        disturbed.open(1, worker=True)
        disturbed.moment()
        fault(disturbed)
        disturbed.go_on()
        disturbed.close()
        disturbed.check_learning_goes_on()
        disturbed.close()
        disturbed.check_no_litter()
        disturbed.check_promises()
