"""Runs the tests in two halves side by side: much of their time is waiting for other processes.

Usage: python tests/support/halves.py [--coverage]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]
FIRST = ("server", "faults", "conformance")
NO_TESTS = ("support", "benchmarks", "evaluation")


def halves() -> tuple[list[Path], list[Path]]:
    """Return the folders and files of each half; together they are all tests."""
    found = [path for path in sorted(TESTS.iterdir()) if _is_test(path)]
    first = [path for path in found if path.name in FIRST]
    return first, [path for path in found if path not in first]


def _is_test(path: Path) -> bool:
    if path.is_dir():
        return path.name not in NO_TESTS and not path.name.startswith(("_", "."))
    return path.name.startswith("test_") and path.suffix == ".py"


def main() -> int:
    """Run both halves and print each when it has ended; fail if one of them fails."""
    runner = [sys.executable, *(["-m", "coverage", "run"] if "--coverage" in sys.argv else [])]
    started = time.monotonic()
    running = list[tuple[subprocess.Popen[bytes], Path]]()
    with tempfile.TemporaryDirectory() as folder:
        for number, paths in enumerate(halves()):
            log = Path(folder, str(number))
            command = [*runner, "-m", "pytest", "-q", "-m", "not heavy", *map(str, paths)]
            with log.open("wb") as file:
                process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
            running.append((process, log))
        while any(process.poll() is None for process, _ in running):
            time.sleep(20)
            done = " ".join(log.read_text("utf-8", "replace")[-6:].strip() for _, log in running)
            print(f"{time.monotonic() - started:.0f} s: {done}", flush=True)
        for _, log in running:
            print(log.read_text("utf-8", "replace"), flush=True)
    return max(process.returncode != 0 for process, _ in running)


if __name__ == "__main__":
    sys.exit(main())
