"""The written report: figures as JSON, and a page of them with the picture of growth."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Measure

OUT = Path("docs/benchmarks")
RESULTS, GROWTH, PICTURE, PAGE = "results.json", "growth.json", "growth.svg", "README.md"
HEAD = """# Benchmarks

`make bench` measures speed beside a floor of the same run and `make bench-growth` what grows with
the history; both write this page. A ratio (x) is ours divided by the floor, at the median.
"""


def machine() -> str:
    """Return what figures are measured on."""
    python, cores = platform.python_version(), len(os.sched_getaffinity(0))
    return f"{platform.system()} {platform.machine()}, Python {python}, {cores} processors"


def keep(found: Sequence[Measure], out: Path) -> None:
    """Write figures, in place of older ones of the same names, and the page."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / RESULTS
    before: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    rows = {row["name"]: row for row in before}
    for measure in found:
        shown = {"wanted": measure.wanted, "met": measure.met, "machine": machine()}
        rows[measure.name] = asdict(measure) | shown
    path.write_text(json.dumps(list(rows.values()), indent=1) + "\n", "utf-8")
    page(out)


def page(out: Path) -> None:
    """Write the page of what has been measured."""
    parts = [HEAD]
    if (out / RESULTS).exists():
        rows = json.loads((out / RESULTS).read_text("utf-8"))
        parts += [f"Measured on {rows[-1]['machine']}.\n", _table(rows)]
    if (out / GROWTH).exists():
        parts += ["\n## Growth\n", _growth(json.loads((out / GROWTH).read_text("utf-8")))]
    (out / PAGE).write_text("\n".join(parts), "utf-8")


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| measured | figure | goal | how |", "|---|---|---|---|"]
    for row in rows:
        goal = f"{row['wanted']}{'' if row['met'] else ': **missed**'}" if row["wanted"] else ""
        figure = f"{row['value']:.2f} {row['unit']}"
        lines.append(f"| {row['name']} | {figure} | {goal} | {row['detail']} |")
    return "\n".join(lines) + "\n"


def _growth(found: Mapping[str, Any]) -> str:
    steps = list(next(iter(found["seconds"].values())))
    lines = [
        f"Seconds by outcomes told, on {found['machine']}; the last row is the power of n with",
        f"which a step grew over the two largest histories.\n\n![growth]({PICTURE})\n",
        f"| outcomes | {' | '.join(steps)} |",
        "|---|" + "---|" * len(steps),
    ]
    for n, costs in found["seconds"].items():
        lines.append(f"| {int(n):,} | {' | '.join(f'{costs[step]:.4g}' for step in steps)} |")
    if powers := found["exponents"]:
        lines.append(f"| power | {' | '.join(f'{powers[step]:.2f}' for step in steps)} |")
    return "\n".join(lines) + "\n"
