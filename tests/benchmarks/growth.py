"""`make bench-growth`: what start, ask, tell and retrain cost as the history grows.

Usage: python tests/benchmarks/growth.py [--most N] [--out FOLDER]
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import anyio
import numpy as np
from rich.console import Console
from served import PAIR, SCRIPT

from learners.catalog.mixin_compatibility import LEARNER
from storage import log
from storage.database import Where, open_database
from storage.rows import EventRow
from tests.benchmarks.processes import ASK, home, pair, server, timed
from tests.benchmarks.report import GROWTH, OUT, PICTURE, machine, page

SMALLEST, LARGEST = 1000, 1_000_000
BATCH = 5000
PATIENCE = 3600.0  # seconds
STEPS = {
    "start": "start with the history to replay, s",
    "resume": "start from a snapshot, s",
    "ask": "ask over stdio, p50, s",
    "tell": "tell over stdio, p50, s",
    "retrain": "one training run, s",
}

Costs = Mapping[str, float]


def main() -> None:
    """Measure every size, write the figures and draw them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--most", type=int, default=LARGEST)
    arguments.add_argument("--out", type=Path, default=OUT)
    given = arguments.parse_args()
    console, found = Console(width=120), dict[int, Costs]()
    for n in sizes(given.most):
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fs-growth-") as directory:
            found[n] = costs(n, Path(directory))
        shown = ", ".join(f"{name} {value:.4g} s" for name, value in found[n].items())
        console.print(f"{n:>9} outcomes: {shown} -- {time.monotonic() - started:.0f} s")
    given.out.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine(), "seconds": found, "exponents": exponents(found)}
    (given.out / GROWTH).write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    draw(found, given.out / PICTURE)
    page(given.out)
    for name, exponent in exponents(found).items():
        console.print(f"{name}: grows as n^{exponent:.2f}")
    console.print(f"written to {given.out}")


def sizes(most: int) -> Iterator[int]:
    """Yield the numbers of outcomes."""
    n = SMALLEST
    while n <= most:
        yield n
        n *= 10


def costs(n: int, directory: Path) -> Costs:
    """Return seconds by step with so many outcomes told."""
    with home(directory) as env:
        anyio.run(_fill, directory, n)
        start = time.perf_counter()
        with server(env, directory, PATIENCE) as wire:
            replayed = time.perf_counter() - start
            asks = [timed(wire, ASK, PAIR) for _ in range(300)]
            tells = [timed(wire, "record_feedback", _told(i)) for i in range(200)]
        start = time.perf_counter()
        subprocess.run(
            [str(SCRIPT), "train", LEARNER.name, "--wait"], env=dict(env), check=True,
            capture_output=True, timeout=PATIENCE,
        )  # fmt: skip
        retrained = time.perf_counter() - start
        start = time.perf_counter()
        with server(env, directory, PATIENCE):
            resumed = time.perf_counter() - start
    return {
        "start": replayed, "resume": resumed, "ask": median(asks), "tell": median(tells),
        "retrain": retrained,
    }  # fmt: skip


def _told(i: int) -> Mapping[str, object]:
    return {"outcome": "success", "learner": LEARNER.name, "facts": pair(i)}


async def _fill(directory: Path, n: int) -> None:
    database = await open_database(Where(directory=directory / "postgres"))
    rng = np.random.default_rng(0)
    try:
        for first in range(0, n, BATCH):
            rows = [_row(rng, i) for i in range(first, min(n, first + BATCH))]
            await database.run(partial(log.append, decisions=(), events=rows), 60)
    finally:
        await database.close()


def _row(rng: np.random.Generator, i: int) -> EventRow:
    example = LEARNER.specimen(rng)
    return EventRow(
        learner=LEARNER.name,
        key=str(i),
        query=example.query.model_dump(mode="json"),
        outcome=example.outcome.model_dump(mode="json"),
        known=1.7e9 + i,
    )


def exponents(found: Mapping[int, Costs]) -> dict[str, float]:
    """Return, by step, the power of n with which it grew over the two largest sizes."""
    n = sorted(found)[-2:]
    if len(n) < 2:
        return {}
    larger = np.log(n[1] / n[0])
    return {name: float(np.log(found[n[1]][name] / found[n[0]][name]) / larger) for name in STEPS}


def draw(found: Mapping[int, Costs], path: Path) -> None:
    """Draw seconds over outcomes, both in powers of ten, with a line of linear growth."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    n: Sequence[int] = sorted(found)
    figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    for name, label in STEPS.items():
        axes.loglog(n, [found[size][name] for size in n], marker="o", label=label)
    linear = [found[n[0]]["retrain"] * size / n[0] for size in n]
    axes.loglog(n, linear, color="grey", linestyle=":", label="linear growth")
    axes.set_xlabel("outcomes told")
    axes.set_ylabel("seconds")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
