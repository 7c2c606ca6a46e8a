"""Servers as processes, and what the kernel says of them."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from served import PAIR, environment, foresight
from wire import Wire

ASK = "check_mixin_compatibility"
FLOOR = (sys.executable, str(Path(__file__).with_name("constant.py")))
READY_SECONDS = 60.0


@contextmanager
def floor(env: Mapping[str, str], cwd: Path) -> Generator[Wire]:
    """Yield the SDK's own server, whose tools return constants."""
    with Wire(env, cwd, program=FLOOR) as wire:
        wire.initialize()
        yield wire


@contextmanager
def server(env: Mapping[str, str], cwd: Path, patience: float = READY_SECONDS) -> Generator[Wire]:
    """Yield a Foresight server that has loaded its history."""
    with Wire(env, cwd) as wire:
        wire.initialize()
        until = time.monotonic() + patience
        while wire.call("learning_status")["structuredContent"]["database"] != "ready":
            assert time.monotonic() < until, "the database did not start"
            time.sleep(0.1)
        yield wire


def cpu(wire: Wire) -> float:
    """Return the seconds of processor time of a process so far, all its threads."""
    tasks = Path(f"/proc/{wire.process.pid}/task")
    return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks.iterdir()) / 1e9


def megabytes(wire: Wire) -> float:
    """Return the memory of a process, its share of what it shares with others included."""
    for line in Path(f"/proc/{wire.process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no Pss")


def timed(wire: Wire, tool: str, arguments: Mapping[str, Any]) -> float:
    """Return the seconds that a call took."""
    start = time.perf_counter()
    result = wire.call(tool, **arguments)
    took = time.perf_counter() - start
    assert not result.get("isError"), result
    return took


def rate(wire: Wire, tool: str, arguments: Callable[[int], Mapping[str, Any]], n: int) -> float:
    """Return calls per second with 32 in flight."""
    assert wire.process.stdin is not None
    assert wire.process.stdout is not None
    under_way = deque[int]()
    start = time.perf_counter()
    for i in range(n + 32):
        if i >= 32:
            message = json.loads(wire.process.stdout.readline())
            assert not message["result"].get("isError"), message
            under_way.popleft()
        if i < n:
            params = {"name": tool, "arguments": arguments(i)}
            request = {"jsonrpc": "2.0", "id": 10**6 + i, "method": "tools/call", "params": params}
            wire.send(request)
            under_way.append(i)
    return n / (time.perf_counter() - start)


@contextmanager
def home(directory: Path, **settings: str) -> Generator[Mapping[str, str]]:
    """Yield the environment of an own embedded database, which is stopped afterwards."""
    env = environment("", directory, FORESIGHT_LOG_LEVEL="warning", **settings)
    yield env
    foresight(env, "uninstall", "--data")


def pair(i: int) -> dict[str, Any]:
    """Return the i-th of many different questions."""
    return {**PAIR, "mixins": [f"MixinBench{i % 40}", f"MixinBench{40 + i // 40 % 40}"]}
