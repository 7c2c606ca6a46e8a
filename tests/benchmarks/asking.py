"""What asking costs: over stdio beside a tool that returns a constant, and in this process."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from served import PAIR
from wire import Wire

from learners.catalog._compatibility.types import CompatibilityQuery
from learners.catalog.mixin_compatibility import LEARNER, MIXINS
from learners.replay import Fold, log, replay
from learners.serving import Caller, Live
from tests.benchmarks.measure import Measure, quantile
from tests.benchmarks.processes import ASK, cpu, floor, home, server, timed

SLICES, CALLS = 25, 100
SETTLE = 0.06  # seconds: longer than decisions linger before they are written
ALL = {"mixins": [mixin.name for mixin in MIXINS][:16], "node_type": "EFFECT"}
REMEMBERED = 100_000


def stdio(directory: Path) -> Iterator[Measure]:
    """Ask over stdio and beside it, slice by slice, a constant tool of the same schemas."""
    with home(directory) as env, server(env, directory) as ours, floor(env, directory) as constant:
        slices = [(_slice(ours), _slice(constant)) for _ in range(SLICES)][3:]
        wholes = [timed(ours, ASK, ALL) * 1e3 for _ in range(300)][50:]
    for what, at in (("CPU", 0), ("p50", 1)):
        mine, floors = (median(each[side][at] for each in slices) for side in (0, 1))
        yield Measure(
            name=f"stdio ask, two mixins: {what} beside a constant tool",
            value=mine / floors,
            unit="x",
            goal=1.3,
            detail=f"{mine * 1e3:.2f} ms beside {floors * 1e3:.2f} ms",
        )
    yield Measure(
        name="stdio ask, 16 mixins: p50", value=median(wholes), unit="ms", goal=10,
        detail=f"p99 {quantile(wholes, 0.99):.1f} ms",
    )  # fmt: skip


def _slice(wire: Wire) -> tuple[float, float]:
    """Return seconds of CPU per call, and the median call."""
    before = cpu(wire)
    took = [timed(wire, ASK, PAIR) for _ in range(CALLS)]
    time.sleep(SETTLE)
    return (cpu(wire) - before) / CALLS, median(took)


def remembered(n: int = REMEMBERED) -> Fold:
    """Return a memory of so many outcomes."""
    rng = np.random.default_rng(0)
    return replay(LEARNER, log([LEARNER.specimen(rng) for _ in range(n)]))


def inside(directory: Path) -> Iterator[Measure]:
    """Ask, observe and compute features in this process, with a long history."""
    del directory
    live = Live(LEARNER)
    live.fold = fold = remembered()
    queries = {size: _query(size) for size in (2, 16)}
    for size, query in queries.items():
        took = _microseconds(partial(live.ask, query, Caller(), 1.8e9, degraded=False), 2000)
        yield Measure(
            name=f"ask, {size} mixins, {REMEMBERED} outcomes remembered: p99",
            value=quantile(took, 0.99) / 1e3, unit="ms", goal=5,
            detail=f"p50 {median(took) / 1e3:.3f} ms",
        )  # fmt: skip
    option = LEARNER.options(fold.memory, queries[2])[0]
    took = _microseconds(lambda: LEARNER.features(fold.memory, queries[2], option, 1.8e9), 2000)
    yield Measure(
        name="features of a pair: p99", value=quantile(took, 0.99) / 1e3, unit="ms", goal=1,
        detail=f"p50 {median(took):.0f} us",
    )  # fmt: skip
    rng = np.random.default_rng(1)
    entries = iter(log([LEARNER.specimen(rng) for _ in range(5000)]))
    took = _microseconds(lambda: fold.observe(next(entries)), 5000)
    yield Measure(
        name="online update, one outcome folded: p99",
        value=quantile(took, 0.99) / 1e3, unit="ms", goal=1, detail=f"p50 {median(took):.0f} us",
    )  # fmt: skip


def _query(size: int) -> CompatibilityQuery:
    return LEARNER.query.model_validate({**ALL, "mixins": ALL["mixins"][:size]})


def _microseconds(work: Callable[[], object], times: int) -> list[float]:
    took = list[float]()
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1e6)
    return took
