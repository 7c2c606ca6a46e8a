"""`make bench`: speed, as ratios to a floor that is measured in the same run.

Usage: python tests/benchmarks/run.py [--only [NAME ...]] [--out FOLDER]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from tests.benchmarks import asking, generating, running, telling
from tests.benchmarks.measure import Measure
from tests.benchmarks.report import OUT, keep

BENCHMARKS: dict[str, Callable[[Path], Iterator[Measure]]] = {
    "stdio": asking.stdio,
    "inside": asking.inside,
    "writer": telling.writer,
    "mcp": telling.over_mcp,
    "start": running.first_reply,
    "idle": running.idle,
    "training": running.beside_training,
    "generation": generating.answers,
    "retraining": generating.retraining,
    "soak": running.soak,
}

LONG = ("soak",)  # ten minutes: only when named


def main() -> None:
    """Measure, print and write down."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", nargs="*", choices=BENCHMARKS, default=None)
    arguments.add_argument("--out", type=Path, default=OUT)
    given = arguments.parse_args()
    chosen = given.only or [name for name in BENCHMARKS if name not in LONG]
    console = Console(width=160)
    found = list[Measure]()
    for name in chosen:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fs-bench-") as directory:
            for measure in BENCHMARKS[name](Path(directory)):
                found.append(measure)
                console.print(line(measure), highlight=False)
        console.print(f"-- {name}: {time.monotonic() - started:.0f} s", highlight=False)
    keep(found, given.out)
    console.print(f"written to {given.out}")


def line(measure: Measure) -> str:
    """Return a measure as one line."""
    verdict = {None: "", True: "met", False: "MISSED"}[measure.met]
    figure = f"{measure.value:10.2f} {measure.unit:<6}"
    return f"{measure.name:<72} {figure} {measure.wanted:<18} {verdict:<7} {measure.detail}"


if __name__ == "__main__":
    main()
