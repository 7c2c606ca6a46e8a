"""`make torture`: the heavy tests, part by part, with the time that each took.

Usage: python tests/support/torture.py [WORDS OF A PART ...]

A part is a file with heavy tests. A part that fails does not keep the others from running.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from sizes import ROOT

PYTEST = [sys.executable, "-m", "pytest", "-m", "heavy", "-q", "--no-header"]


class Part(NamedTuple):
    """What came of a file with heavy tests."""

    name: str
    seconds: float
    passed: bool


def parts(words: Sequence[str]) -> list[str]:
    """Return the files with heavy tests whose path holds one of the words; without any, all."""
    listed = subprocess.run(
        [*PYTEST, "--collect-only"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        sys.exit(listed.stdout + listed.stderr)
    files = {line.partition("::")[0] for line in listed.stdout.splitlines() if "::" in line}
    return sorted(name for name in files if not words or any(word in name for word in words))


def run(name: str) -> Part:
    """Run a part; what it prints goes to the screen."""
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run([*PYTEST, name, "--durations=5"], cwd=ROOT, check=False)
    return Part(name, time.monotonic() - started, done.returncode == 0)


def main() -> None:
    """Run every part, then print the times; fail if one failed."""
    names = parts(sys.argv[1:])
    if not names:
        sys.exit(f"no heavy tests in a file named like {' or '.join(sys.argv[1:])}")
    ended = [run(name) for name in names]
    print()
    for part in ended:
        print(f"{part.seconds:7.0f} s  {'passed' if part.passed else 'FAILED'}  {part.name}")
    print(f"{sum(part.seconds for part in ended):7.0f} s  in all, {len(ended)} parts")
    if failed := [part.name for part in ended if not part.passed]:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
