"""What a server costs by being there: its start, its memory, its asks while a run is under way."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

import numpy as np
from served import PAIR, SCRIPT
from wire import Wire

from learners.catalog.mixin_compatibility import LEARNER
from tests.benchmarks.measure import Measure, quantile
from tests.benchmarks.processes import ASK, FLOOR, home, megabytes, server, timed

STARTS = 9
HISTORY = 2000
SOAK_SECONDS = 600
SOAK_SAMPLES = 60


def first_reply(directory: Path) -> Iterator[Measure]:
    """Start our server and the SDK's in turn, until each has answered ``initialize``."""
    with home(directory) as env, server(env, directory):
        pairs = [(_start(env, directory), _start(env, directory, FLOOR)) for _ in range(STARTS)]
    mine, floors = (median(each[side] for each in pairs) for side in (0, 1))
    yield Measure(
        name="first reply beside the SDK's server",
        value=mine / floors, unit="x", goal=1.2,
        detail=f"{mine * 1e3:.0f} ms beside {floors * 1e3:.0f} ms",
    )  # fmt: skip


def _start(
    env: Mapping[str, str], directory: Path, program: tuple[str, ...] = (str(SCRIPT), "serve")
) -> float:
    start = time.perf_counter()
    with Wire(env, directory, program=program) as wire:
        wire.initialize()
        return time.perf_counter() - start


def idle(directory: Path) -> Iterator[Measure]:
    """Weigh a server that has nothing to remember and nothing to do."""
    with home(directory, FORESIGHT_WORKER="inline") as env, server(env, directory) as wire:
        time.sleep(3)
        value = megabytes(wire)
    yield Measure(
        name="memory of an idle server, without the database",
        value=value, unit="MB", goal=120, detail="Pss; worker inline, empty history",
    )  # fmt: skip


def beside_training(directory: Path) -> Iterator[Measure]:
    """Ask while nothing else runs, and while a training run does."""
    with home(directory, FORESIGHT_WORKER="inline") as env:
        with server(env, directory) as wire:
            _history(wire)
            alone = _asks(wire, 15)
            asked = subprocess.Popen(
                [str(SCRIPT), "train", "mixin_compatibility", "--wait"], env=dict(env),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            time.sleep(2)  # the child is fitting by then
            during = list[float]()
            while asked.poll() is None:
                during += _asks(wire, 1)
        yield Measure(
            name="p99 of asks while a run is under way, beside without",
            value=quantile(during, 0.99) / quantile(alone, 0.99), unit="x", goal=2,
            detail=f"{quantile(during, 0.99) * 1e3:.1f} ms in {len(during)} asks beside "
            f"{quantile(alone, 0.99) * 1e3:.1f} ms in {len(alone)}",
        )  # fmt: skip
        yield from _with_version(env, directory)


def _with_version(env: Mapping[str, str], directory: Path) -> Iterator[Measure]:
    """Ask a trained version, promoted by hand whatever the gate said of it."""
    subprocess.run(
        [str(SCRIPT), "promote", "mixin_compatibility", "1"], env=dict(env), check=False,
        capture_output=True,
    )  # fmt: skip
    with server(env, directory) as wire:
        _asks(wire, 1)
        version = wire.call(ASK, **PAIR)["structuredContent"]["version"]
        if version is None:
            return
        took = [timed(wire, ASK, PAIR) * 1e3 for _ in range(500)]
    yield Measure(
        name="stdio ask, two mixins, a trained version served: p50", value=median(took), unit="ms",
        detail=f"p99 {quantile(took, 0.99):.1f} ms",
    )  # fmt: skip


def _asks(wire: Wire, seconds: float) -> list[float]:
    until = time.monotonic() + seconds
    took = list[float]()
    while time.monotonic() < until:
        took.append(timed(wire, ASK, PAIR))
        time.sleep(0.002)
    return took


def _history(wire: Wire) -> None:
    rng = np.random.default_rng(0)
    for _ in range(HISTORY):
        example = LEARNER.specimen(rng)
        facts = example.query.model_dump(mode="json", exclude_defaults=True)
        verdict = "success" if example.outcome.success else "failure"
        wire.call("record_feedback", outcome=verdict, learner=LEARNER.name, facts=facts)


def soak(directory: Path) -> Iterator[Measure]:
    """Ask and tell for ten minutes; is the memory of the second half flat?"""
    with home(directory, FORESIGHT_WORKER="inline") as env, server(env, directory) as wire:
        weights, asks = list[float](), 0
        for _ in range(SOAK_SAMPLES):
            until = time.monotonic() + SOAK_SECONDS / SOAK_SAMPLES
            while time.monotonic() < until:
                decision = wire.call(ASK, **PAIR)["structuredContent"]["decision_id"]
                wire.call("record_feedback", outcome="success", decision_id=decision)
                asks += 1
            weights.append(megabytes(wire))
    half = weights[len(weights) // 2 :]
    minutes = np.arange(len(half)) * SOAK_SECONDS / SOAK_SAMPLES / 60
    slope = float(np.polyfit(minutes, half, 1)[0])
    yield Measure(
        name="soak: growth of memory in its second half", value=slope, unit="MB/min", goal=0.5,
        detail=f"{asks} asks and outcomes in {SOAK_SECONDS} s; {half[0]:.0f} to {half[-1]:.0f} MB",
    )  # fmt: skip
