"""What the tests reach, after `coverage combine`: run this file for the report.

`make check` prints it. It fails when a guarded package is below the floor by all that can be
reached (lines and branches), or further below it by branches alone.
"""

import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from coverage import Coverage
from sizes import PACKAGES, ROOT, modules

FLOOR = 95.0  # percent
SLACK = 2.0  # by branches alone: some are reached only where PgBouncer is, or by who is quicker
GUARDED = ("learners", "storage")
MARK = re.compile(r"# platform: (.+)$", re.MULTILINE)
# Branches that run on another platform only carry a mark, `# platform: NAME`. They are not counted
# where they cannot run, but listed.
PLATFORMS = {
    "macOS": "has no /proc: processes are looked up with ps",
    "Windows": "the embedded database says that it does not run there",
    "container whose root may not read other users' links": "asks as that user instead",
    "root": "lends the database server to an account of the system",
    "ordinary user": "runs the database server itself",
}
HERE = "root" if os.geteuid() == 0 else "ordinary user"


class Reached(NamedTuple):
    """How much of a package was reached."""

    package: str
    lines: int
    missed_lines: int
    branches: int
    missed_branches: int

    @property
    def everything(self) -> float:
        """Percent of lines and branches, as coverage counts."""
        missed = self.missed_lines + self.missed_branches
        return _percent(self.lines + self.branches, missed)

    @property
    def by_branches(self) -> float:
        """Percent of branches alone."""
        return _percent(self.branches, self.missed_branches)


def _percent(whole: int, missed: int) -> float:
    return 100.0 * (whole - missed) / whole if whole else 100.0


def measured() -> dict[str, Any]:
    """Return the figures of each file, without what cannot run here."""
    coverage = Coverage()
    coverage.load()
    for name in PLATFORMS:
        # of what runs here only, the other way out of the branch is elsewhere
        coverage.exclude(
            rf"# platform: {re.escape(name)}$", which="partial" if name == HERE else "exclude"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "coverage.json"
        # not what tests have planted elsewhere under our names
        ours = [str(ROOT / package / "*") for package in PACKAGES]
        coverage.json_report(outfile=str(file), include=ours)
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))["files"]
    return {str((ROOT / name).resolve()): it["summary"] for name, it in found.items()}


def reached() -> list[Reached]:
    """Return what was reached of each package; a module that nobody imported is an error."""
    files = measured()
    totals = {package: [0, 0, 0, 0] for package in PACKAGES}
    for path in modules():
        summary = files[str(path)]
        parts = ("num_statements", "missing_lines", "num_branches", "missing_branches")
        total = totals[path.relative_to(ROOT).parts[0]]
        for i, part in enumerate(parts):
            total[i] += summary[part]
    return [Reached(package, *total) for package, total in totals.items()]


def marked() -> list[tuple[Path, str]]:
    """Return every mark: where, and of which platform."""
    return [(path, name) for path in modules() for name in MARK.findall(path.read_text("utf-8"))]


def elsewhere() -> Iterator[str]:
    """Yield which platforms have branches that were not counted, where, and why."""
    for name, reason in PLATFORMS.items():
        if name != HERE:
            where = Counter(
                path.relative_to(ROOT).as_posix() for path, of in marked() if of == name
            )
            shown = ", ".join(f"{file} ({count})" for file, count in sorted(where.items()))
            yield f"not counted, only {name} ({reason}): {shown}"


def main() -> None:
    """Print the report, and fail if a guarded package is below the floor."""
    below = list[str]()
    for it in reached():
        figures = f"{it.everything:.1f} % of lines and branches, {it.by_branches:.1f} % of branches"
        guarded = it.package in GUARDED
        print(f"{it.package:<9} {figures}" + (f", floor {FLOOR:.0f} %" if guarded else ""))
        if guarded and min(it.everything, it.by_branches + SLACK) < FLOOR:
            below.append(it.package)
    for line in elsewhere():
        print(line)
    if below:
        sys.exit(f"below {FLOOR:.0f} %: {', '.join(below)}; see `coverage report -m`")


if __name__ == "__main__":
    main()
