"""How long modules and functions are: run this file for the report; it fails above the limits.

`make check` prints it. A function is counted without its docstring and the functions inside it.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("server", "tools", "learners", "storage", "models")
LONGEST_MODULE = 400  # lines
LONGEST_FUNCTION = 60  # lines
SHOWN = 5


class Size(NamedTuple):
    """How many lines something has."""

    lines: int
    name: str


def modules() -> list[Path]:
    """Return the files of the product."""
    return sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))


def of_modules() -> list[Size]:
    """Return the size of every module."""
    return [Size(len(_text(path).splitlines()), _named(path)) for path in modules()]


def of_functions() -> list[Size]:
    """Return the size of every function and method."""
    found = list[Size]()
    for path in modules():
        for node in ast.walk(ast.parse(_text(path))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.append(Size(_lines(node), f"{_named(path)}:{node.lineno} {node.name}"))
    return found


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    told = ast.get_docstring(function, clean=False) is not None
    inner = [
        node
        for node in ast.walk(function)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node is not function
    ]
    left_out = set[int]()
    for node in [first, *inner] if told else inner:
        left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    whole = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return len(set(whole) - left_out)


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def report(what: str, sizes: Sequence[Size], limit: int) -> Iterator[str]:
    """Yield the distribution and the longest."""
    lines = sorted(size.lines for size in sizes)
    p95 = quantiles(lines, n=20)[-1]
    yield (
        f"{len(sizes)} {what}: median {median(lines):.0f} lines, 95 % up to {p95:.0f}, "
        f"longest {lines[-1]}, limit {limit}"
    )
    for size in sorted(sizes, reverse=True)[:SHOWN]:
        yield f"  {size.lines:4} {size.name}"


def too_long() -> list[str]:
    """Return what is above its limit."""
    return [
        f"{size.name} has {size.lines} lines, the limit is {limit}: divide it by its ideas"
        for sizes, limit in ((of_modules(), LONGEST_MODULE), (of_functions(), LONGEST_FUNCTION))
        for size in sizes
        if size.lines > limit
    ]


def main() -> None:
    """Print the report, and fail if something is too long."""
    for line in report("modules", of_modules(), LONGEST_MODULE):
        print(line)
    for line in report("functions", of_functions(), LONGEST_FUNCTION):
        print(line)
    if excess := too_long():
        sys.exit("\n".join(excess))


if __name__ == "__main__":
    main()
