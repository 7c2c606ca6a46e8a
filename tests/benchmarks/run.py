"""`make bench`: speed, as ratios to a floor that is measured in the same run.

Usage: python tests/benchmarks/run.py [--only [NAME ...]] [--out FOLDER]
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from tests.benchmarks import asking, running, telling
from tests.benchmarks.measure import Measure
from tests.benchmarks.processes import cores

OUT = Path("docs/benchmarks")
BENCHMARKS: dict[str, Callable[[Path], Iterator[Measure]]] = {
    "stdio": asking.stdio,
    "inside": asking.inside,
    "writer": telling.writer,
    "mcp": telling.over_mcp,
    "start": running.first_reply,
    "idle": running.idle,
    "training": running.beside_training,
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
    write(found, given.out)
    console.print(f"written to {given.out}")


def machine() -> str:
    """Return what the figures were measured on."""
    python = platform.python_version()
    return f"{platform.system()} {platform.machine()}, Python {python}, {cores()} processors"


def line(measure: Measure) -> str:
    """Return a measure as one line."""
    verdict = {None: "", True: "met", False: "MISSED"}[measure.met]
    figure = f"{measure.value:10.2f} {measure.unit:<6}"
    return f"{measure.name:<72} {figure} {measure.wanted:<18} {verdict:<7} {measure.detail}"


def write(found: Sequence[Measure], out: Path) -> None:
    """Write the figures as JSON, and as a table."""
    out.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(measure), "met": measure.met} for measure in found]
    (out / "results.json").write_text(
        json.dumps({"machine": machine(), "measures": rows}, indent=1)
    )
    table = "\n".join(map(_row, found))
    head = "| measured | figure | goal | |\n|---|---|---|---|"
    (out / "results.md").write_text(f"{machine()}\n\n{head}\n{table}\n")


def _row(measure: Measure) -> str:
    goal = measure.wanted and f"{measure.wanted}{'' if measure.met else ': **missed**'}"
    return f"| {measure.name} | {measure.value:.2f} {measure.unit} | {goal} | {measure.detail} |"


if __name__ == "__main__":
    main()
