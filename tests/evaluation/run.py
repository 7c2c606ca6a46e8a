"""`make evaluate`: the quality of learning on real data, each figure beside its baseline.

Usage: python tests/evaluation/run.py [FOLDER] [--seed N] [--placebo SEEDS]
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from tests.evaluation import compatibility, generation, generation_values, placebo, ranking
from tests.evaluation.compatibility import Measure

FOLDER = Path("../shared/data")
LEARNER_SETS: Mapping[str, Callable[[Path, np.random.Generator], Iterator[Measure]]] = {
    "mixin_seed_pairs": compatibility.seed,
    "licence_compat": compatibility.licence,
    "build_compat": compatibility.build,
    "cosqa": ranking.cosqa,
    "lambdarank_example": ranking.ranker,
    "openhands_index": generation.openhands,
    "aidev_prs": lambda folder, rng: chain(
        generation.aidev(folder, rng), generation_values.hours(folder, rng)
    ),
    "story_points": generation_values.points,
    "swebench_verified_tasks": generation_values.difficulty,
}
PROMOTED_AT_MOST = 5  # of a hundred placebos


def main() -> None:
    """Print every figure whose data is there, and name what is missing."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--placebo", type=int, default=100, help="seeds; 0 leaves it out")
    given = arguments.parse_args()
    console = Console(width=150)
    for name, measures in LEARNER_SETS.items():
        if not (given.folder / name).is_dir():
            console.print(f"{name}: skipped, no folder {given.folder / name}")
            continue
        started = time.monotonic()
        for measure in measures(given.folder, np.random.default_rng(given.seed)):
            console.print(line(measure), highlight=False)
        console.print(f"-- {name}: {time.monotonic() - started:.0f} s\n")
    if given.placebo:
        console.print(of_placebo(given.placebo, console), highlight=False)


def line(measure: Measure) -> str:
    """Return a measure as one line: the figure, its interval, goal and baseline."""
    interval = "" if measure.interval is None else "[{:.3f}, {:.3f}]".format(*measure.interval)
    goal = "" if measure.goal is None else f"goal {measure.goal:.3f}"
    baseline = "" if measure.baseline is None else f"baseline {measure.baseline:.3f}"
    figure = f"{measure.name:<62} {measure.value:7.3f} {interval:<16}"
    return f"{figure} {goal:<11} {baseline:<15} {measure.note}"


def of_placebo(seeds: int, console: Console) -> str:
    """Run the placebo on so many seeds and return what it showed."""
    jobs = os.cpu_count() or 1
    runs = track(placebo.attempts(seeds, jobs), "placebo", seeds, console=console)
    promoted, claimed = 0, set[str]()
    for result, sources in runs:
        promoted += result == "admitted"
        claimed |= set() if result == "admitted" else sources
    allowed = PROMOTED_AT_MOST * seeds / 100
    return (
        f"placebo: {promoted} of {seeds} shuffled histories promoted, {allowed:g} allowed; "
        f"sources of the others' answers: {', '.join(sorted(claimed))}"
    )


if __name__ == "__main__":
    main()
