"""Measuring in a child: whatever a text does to it, the caller gets measures or a reason."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from learners import measuring
from learners.measuring import Limits, Measured, measure
from learners.source_code.measure import measure as measured_here

CODES = {
    "python": "def f(a: int):\n    return a or 1",
    "javascript": "const f = (a) => a || 1;",
    "typescript": "const f = (a: number) => <b>{a}</b>;",
    "go": "package a\nfunc F(a int) int { return a }",
    "java": "class A { int f(int a) { return a; } }",
    "rust": "fn f(a: u8) -> u8 { a }",
}
SLOW = "# x\n// y\n" * 100_000  # as Rust: over 20 s, in 30 MB
HUNGRY = "a<b<" * 50_000  # as Java: gigabytes within a second
pytestmark = pytest.mark.anyio


def children() -> list[int]:
    """Return the pids of our own measuring children."""
    found = list[int]()
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        try:
            command = Path("/proc", child, "cmdline").read_text()
        except OSError:  # gone meanwhile
            continue
        if "learners.measuring_child" in command:
            found.append(int(child))
    return found


async def started(mapped: str = "") -> int:
    """Wait for a child that has loaded a library, and return its pid."""
    with anyio.fail_after(10):
        while True:
            for pid in children():
                if mapped in Path(f"/proc/{pid}/maps").read_text():
                    return pid
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("language", sorted(CODES))
async def test_a_child_measures_as_the_function_does(language: str) -> None:
    expected = measured_here(CODES[language], language)
    assert expected is not None
    assert expected.parsed
    assert await measure(CODES[language], language) == Measured(expected, "")
    assert children() == []


async def test_a_text_that_is_no_utf8_is_measured() -> None:
    found = await measure("x = '\ud800\0 größe'", file_path="a.py")
    assert found.measures is not None


async def test_syntax_errors_are_told_beside_what_could_be_counted() -> None:
    found = await measure("def f():\n    pass\ndef g(", "py")
    assert found.measures is not None
    assert (found.measures.parsed, found.measures.num_functions) == (False, 1)
    assert found.reason == (
        "the code has syntax errors, read as python: the counts are of what could be read"
    )


async def test_an_unknown_language_is_told_with_those_that_are_known() -> None:
    found = await measure("x", "cobol", "x.cob")
    assert found == Measured(
        None,
        "the code is not measured: language 'cobol' with file suffix 'cob' is not known. Name the "
        "language, one of python, javascript, typescript, go, java, rust, or the file",
    )


async def test_a_text_above_the_limit_is_not_tried() -> None:
    assert (await measure("é" * 500_000, "py")).measures is not None
    found = await measure("é" * 500_001, "py")
    assert found == Measured(
        None, "the code has 1000002 bytes and is not measured: the limit is 1000000"
    )


async def test_a_text_that_takes_too_long_is_given_up_and_its_child_killed() -> None:
    found = await measure(SLOW, "rust", limits=Limits(seconds=1))
    assert found == Measured(None, "the code was not measured: it was not done within 1 s")
    assert children() == []


async def test_a_text_that_takes_too_much_memory_ends_its_child_alone() -> None:
    found = await measure(HUNGRY, "java")
    assert found.measures is None
    assert found.reason.startswith("the code was not measured: the measuring process ended with ")
    assert (await measure("x = 1", "py")).measures is not None


async def test_a_child_that_is_killed_is_told() -> None:
    found = list[Measured]()

    async def ask() -> None:
        found.append(await measure(SLOW, "rust"))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        os.kill(await started("tree_sitter_rust"), signal.SIGKILL)
    assert found == [
        Measured(None, "the code was not measured: the measuring process ended with -9")
    ]


@pytest.mark.parametrize("mapped", ["", "tree_sitter_rust"], ids=["starting", "measuring"])
async def test_a_caller_who_goes_takes_the_child_along(mapped: str) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(measure, SLOW, "rust")
        await started(mapped)
        group.cancel_scope.cancel()
    assert children() == []


async def test_no_more_children_run_at_a_time_than_there_are_places() -> None:
    seen = set[int]()

    async def count() -> None:
        while True:
            seen.add(len(children()))
            await anyio.lowlevel.checkpoint()

    found = list[Measured]()

    async def ask() -> None:
        found.append(await measure(CODES["go"], "go"))

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        async with anyio.create_task_group() as callers:
            for _ in range(6):
                callers.start_soon(ask)
        group.cancel_scope.cancel()
    assert len(found) == 6
    assert all(each.measures is not None for each in found)
    assert max(seen) == measuring.AT_ONCE


async def test_a_child_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    found = await measure("x = 1", "py")
    assert found.measures is None
    assert "No such file" in found.reason


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("print(1)", "answered what is no answer"),
        ("print('{\"lines\": 1}')", "answered what is no answer"),
        ("raise SystemExit('no grammar')", "ended with 1: no grammar"),
        ("import os; os.close(0); print('?')", "answered what is no answer"),
    ],
)
async def test_an_answer_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    monkeypatch.setattr(measuring, "COMMAND", ("-c", program))
    found = await measure("x = 1\n" * 100_000, "py")  # more than a pipe holds
    assert found.measures is None
    assert words in found.reason


ASKED = {"code": "", "language": "py", "file_path": "", "seconds": 10, "memory_mb": 512}


def child(program: list[str], **asked: object) -> subprocess.CompletedProcess[str]:
    """Run the child as the parent does, or a program in its place."""
    return subprocess.run(
        [sys.executable, "-P", *program], input=json.dumps({**ASKED, **asked}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_child_ends_itself_when_nobody_is_there_to_kill_it() -> None:
    done = child(["-m", "learners.measuring_child"], code=SLOW, language="rust", seconds=1)
    assert (done.returncode, done.stdout) == (-signal.SIGALRM, "")


def test_what_a_library_prints_goes_to_the_log() -> None:
    program = """
from learners import measuring_child
def noisy(**asked):
    print("noise")
measuring_child.measure = noisy
measuring_child.main()
"""
    done = child(["-c", program])
    assert (done.stdout, done.stderr) == ("null", "noise\n")


def test_a_child_imports_no_more_than_it_needs() -> None:
    program = """
import sys
before = set(sys.modules)
from learners import measuring_child
measuring_child.main()
heavy = {"numpy", "pydantic", "anyio", "asyncio", "structlog", "logging"}
print(sorted(heavy & set(sys.modules) - before))
"""
    done = child(["-c", program])
    assert done.stderr == "[]\n"
    assert json.loads(done.stdout)["language"] == "python"


def test_parsers_speak_to_no_network_and_write_no_file() -> None:
    program = """
import json
import sys
seen = []
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    reads = event in {"os.listdir", "os.scandir"}
    if writes or event.startswith(("socket.", "subprocess.", "os.")) and not reads:
        seen.append((event, arguments))
sys.dont_write_bytecode = True
sys.addaudithook(watch)
from learners.source_code.measure import measure
for language, code in json.load(sys.stdin)["codes"].items():
    print(measure(code, language).parsed)
print(seen)
"""
    done = child(["-c", program], codes=CODES)
    assert (done.stdout, done.stderr) == ("True\n" * len(CODES) + "[]\n", "")


def test_a_process_that_asks_loads_no_parser() -> None:
    program = """
import sys
import anyio
from learners.measuring import measure
print(anyio.run(measure, "x = 1", "py").measures.parsed)
print([name for name in sys.modules if name.startswith("tree_sitter")])
"""
    assert child(["-c", program]).stdout == "True\n[]\n"
