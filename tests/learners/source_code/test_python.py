"""Measures of Python, counted by hand, and held against what the language itself says of files."""

import argparse
import ast
import enum
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sizes import modules

from learners.source_code.measure import measure
from learners.source_code.measures import CodeMeasures

CODE = '''\
"""Orders of a shop."""

import json
from dataclasses import dataclass

# what may be owed, in cents
LIMIT = 10_000


@dataclass
class Order:
    """One order."""

    number: int
    lines: list[str]

    def __init__(self, number: int, lines, *more: str, **rest):
        self.number = number
        self.lines = [line for line in lines if line and not line.isspace()]

    def total(self) -> int:
        """Return what is owed."""
        def price(line):
            return json.loads(line)["price"] if line else 0

        return sum(price(line) for line in self.lines)

    @staticmethod
    def kind(order, /, *, deep: bool = False):
        match order:
            case {"kind": kind} if deep:
                return kind
            case [] | None:
                return ""
            case _:
                return "order"


async def send(order: Order, tries=3) -> None:
    r"""Send it."""
    while tries > 0 or LIMIT:
        try:
            await order.send()
        except (OSError, ValueError):
            tries -= 1
        except KeyError:
            raise
        else:
            break
    if tries:
        print(f"{tries} left")
    elif LIMIT > 1:
        print("none" """
of them""")


class TestOrder:
    def test_total(self):
        assert Order(1, []).total() == 0

    def help(self):
        for _ in ():
            pass


def test_kind() -> None:
    def test_nested(): ...
    key = lambda order: order or None
    assert Order.kind(key([])) == ""


if __name__ == "__main__":
    send(None)
'''


def test_a_python_file_has_the_measures_that_were_counted_by_hand() -> None:
    assert measure(CODE, "python") == CodeMeasures(
        # 73 lines, less 18 blank ones, 1 comment and 4 docstrings
        lines_of_code=50,
        # __init__ 4 (for, if, and), total 2 (for), price 2 (if), kind 3 (case, if, case; not _)
        # + 1, send 7 (while, or, except, except, if, elif), test_total 1, help 2, test_kind 2
        # (or of its lambda), test_nested 1, outside 2 (if)
        cyclomatic_complexity=4 + 2 + 2 + 4 + 7 + 1 + 2 + 2 + 1 + 2,
        max_complexity=7,
        num_functions=9,
        num_classes=2,
        # typed: number, *more; total's return; deep; order and the return of send; the return of
        # test_kind. Not: lines, **rest; line and the return of price; order and the return of
        # kind; tries; the returns of test_total, help and test_nested
        type_hint_coverage=7 / 17,
        # module, Order, total, send; not __init__, price, kind, TestOrder, test_total, help,
        # test_kind, test_nested
        docstring_coverage=4 / 12,
        num_tests=2,  # test_total, test_kind; pytest collects no nested function
        has_type_hints=True,
        has_docstrings=True,
        has_tests=True,
        language="python",
        parsed=True,
    )


class Counted(NamedTuple):
    """What can be told from Python's own tree and tokens."""

    lines: int
    functions: int
    classes: int
    hints: list[bool]
    documents: list[bool]
    complexity: int


DECISIONS = (
    ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension,
)  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


def by_python(path: Path) -> Counted:
    """Count as `measure` should, with what Python brings."""
    tree = ast.parse(path.read_bytes())
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    inside = sum(decisions(node) for function in functions for node in own(function))
    everywhere = sum(decisions(node) for node in ast.walk(tree))
    complexity = len(functions) + everywhere + (everywhere > inside)
    documents = [ast.get_docstring(node) for node in [tree, *functions, *classes]]
    return Counted(
        lines=lines(path, tree),
        functions=len(functions),
        classes=len(classes),
        hints=[hint for function in functions for hint in hints(function)],
        documents=[bool(text and text.strip()) for text in documents] if tree.body else [],
        complexity=complexity or 1,
    )


def own(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function, but not those of functions inside it."""
    waiting: list[ast.AST] = [
        *function.body, *function.args.defaults, *filter(None, function.args.kw_defaults),
        *filter(None, [function.returns]),
    ]  # fmt: skip
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function):
            waiting += ast.iter_child_nodes(node)
        else:
            waiting += node.decorator_list


def decisions(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.match_case):
        bare = isinstance(node.pattern, ast.MatchAs) and node.pattern.name is None
        wild = bare and getattr(node.pattern, "pattern", None) is None
        return (not wild) + (node.guard is not None)
    return isinstance(node, DECISIONS) + len(getattr(node, "ifs", ()))


def hints(function: Function) -> Iterator[bool]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    if positional and positional[0].arg in {"self", "cls", "mcs", "mcls", "metacls"}:
        positional = positional[1:]
    for each in filter(None, [*positional, *given.kwonlyargs, given.vararg, given.kwarg]):
        yield each.annotation is not None
    if function.name != "__init__":
        yield function.returns is not None


def lines(path: Path, tree: ast.AST) -> int:
    """Count the lines with a token that is no comment and no string by itself."""
    idle = {
        (node.lineno, node.col_offset)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str)
    }
    skipped = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENCODING, tokenize.ENDMARKER,
    }  # fmt: skip
    found = set[int]()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in skipped and token.start not in idle:
                found.update(range(token.start[0], token.end[0] + 1))
    blank = {n for n, text in enumerate(path.read_text("utf-8").split("\n"), 1) if not text.strip()}
    return len(found - blank)


# ours has types and documents; theirs is long, and has fewer
THEIRS = [Path(module.__file__ or "") for module in (argparse, ast, enum, subprocess, tokenize)]


@pytest.mark.parametrize("path", [*modules(), *THEIRS], ids=lambda path: "/".join(path.parts[-2:]))
def test_the_measures_are_those_that_python_itself_would_find(path: Path) -> None:
    found, expected = measure(path.read_text("utf-8"), "py"), by_python(path)
    assert found is not None
    assert found.parsed
    assert (
        found.lines_of_code, found.num_functions, found.num_classes, found.cyclomatic_complexity
    ) == (expected.lines, expected.functions, expected.classes, expected.complexity)  # fmt: skip
    assert found.type_hint_coverage == share(expected.hints)
    assert found.docstring_coverage == share(expected.documents)


def share(whether: list[bool]) -> float | None:
    return sum(whether) / len(whether) if whether else None


@pytest.mark.parametrize(
    ("code", "coverage"),
    [
        ("def f(a: int) -> int: ...", 1.0),
        ("def f(a): ...", 0.0),
        ("def f() -> None: ...", 1.0),
        ("class A:\n    def f(self): ...", 0.0),
        ("class A:\n    def f(self: 'A') -> None: ...", 1.0),
        ("class A:\n    def f(  # why\n        self,\n        a,\n    ) -> None: ...", 0.5),
        ("class A:\n    @classmethod\n    def f(cls, a: int): ...", 0.5),
        ("class A:\n    def __init__(self): ...", None),
        ("class A:\n    def __init__(self, a: int): ...", 1.0),
        ("f = lambda a: a", None),
        ("x: int = 1", None),
        ("", None),
    ],
)
def test_the_receiver_and_the_return_of_init_need_no_type(
    code: str, coverage: float | None
) -> None:
    found = measure(code, "python")
    assert found is not None
    assert found.type_hint_coverage == coverage
    assert found.has_type_hints == (": int" in code or "->" in code or "'A'" in code)


@pytest.mark.parametrize(
    ("code", "coverage"),
    [
        ('def f():\n    """Do."""', 0.5),
        ('def f():\n    # first\n    "Do."', 0.5),
        ('def f():\n    "Do" " it."', 0.5),
        ('def f():\n    """  """', 0.0),
        ('def f():\n    f"""Do {1}."""', 0.0),
        ('def f():\n    b"Do."', 0.0),
        ('def f():\n    x = "Do."', 0.0),
        ('def f():\n    pass\n    "Do."', 0.0),
        ('"""A."""\ndef f(): ...', 0.5),
        ('# why\n"""A."""', 1.0),
        ("# why\n", None),
    ],
)
def test_a_docstring_is_the_first_statement_and_says_something(
    code: str, coverage: float | None
) -> None:
    found = measure(code, "python")
    assert found is not None
    assert (found.docstring_coverage, found.has_docstrings) == (coverage, bool(coverage))


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ("def test_it(): ...", 1),
        ("async def test_it(): ...", 1),
        ("@parametrize(1)\n@slow\ndef test_it(a): ...", 1),
        ("class TestIt:\n    def test_a(self): ...\n    @slow\n    def test_b(self): ...", 2),
        ("class It(unittest.TestCase):\n    def testIt(self): ...", 1),
        ("class Client:\n    def test_connection(self): ...", 0),
        ("class Client(Base):\n    def test_connection(self): ...", 0),
        ("def f():\n    def test_it(): ...", 0),
        ("test_it = 1", 0),
    ],
)
def test_tests_are_those_that_pytest_and_unittest_would_find(code: str, tests: int) -> None:
    found = measure(code, "python")
    assert found is not None
    assert (found.num_tests, found.has_tests) == (tests, tests > 0)


@pytest.mark.parametrize(
    "code",
    ["def f(:", "def f():\nreturn 1", "class A:\n", "if x:\n", "x = (", "x = '", "def f()\n  1"],
)
def test_a_text_that_is_no_python_is_told(code: str) -> None:
    found = measure(code, "python")
    assert found is not None
    assert not found.parsed


def test_what_can_be_read_of_a_text_that_was_cut_off_is_counted() -> None:
    found = measure(CODE[: CODE.index("class TestOrder") - 20], "python")
    assert found is not None
    assert (found.parsed, found.num_classes, found.has_docstrings) == (False, 1, True)
    assert found.num_functions >= 4
