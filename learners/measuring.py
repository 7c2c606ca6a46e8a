"""Measures source code in a child of its own: whatever the text does, the caller gets an answer."""

from __future__ import annotations

import json
import math
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import structlog
from anyio.lowlevel import RunVar

from learners.source_code import languages
from learners.source_code.measures import CodeMeasures

if TYPE_CHECKING:
    from anyio.abc import ByteReceiveStream, Process

COMMAND = ("-P", "-m", "learners.measuring_child")
AT_ONCE = 2  # children; other calls wait for a place
WORDS = 300  # characters of a child's last words that are told

# the child has ended: its return code says how
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)

logger = structlog.get_logger("foresight.measuring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one measuring may cost.

    Attributes:
        seconds: From the call to the answer, the wait for others included.
        memory_mb: Cap of the child's address space; a megabyte of ordinary code takes 40.
        size: Bytes of code above which nothing is tried.
    """

    seconds: float = 10.0
    memory_mb: int = 512
    size: int = 1_000_000


LIMITS = Limits()
_semaphore: RunVar[anyio.Semaphore] = RunVar("places of measuring children")


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it.

    Attributes:
        measures: None if the code could not be measured.
        reason: Why not, or why not all; empty if all is well.
    """

    measures: CodeMeasures | None
    reason: str = ""


class _Failed(Exception):
    """The child ended without an answer; the text says how."""


async def measure(
    code: str, language: str = "", file_path: str = "", *, limits: Limits = LIMITS
) -> Measured:
    """Return the measures of a text of source code, or in words why there are none.

    Args:
        language: Its name or an alias; empty or unknown, the suffix decides.
        file_path: Of the text; nothing is read there.
    """
    if languages.find(language, file_path) is None:
        return Measured(None, languages.unknown(language, file_path))
    size = len(code.encode("utf-8", "replace"))
    if size > limits.size:
        return Measured(
            None, f"the code has {size} bytes and is not measured: the limit is {limits.size}"
        )
    asked = json.dumps(
        {
            "code": code,
            "language": language,
            "file_path": file_path,
            "seconds": math.ceil(limits.seconds) + 1,
            "memory_mb": limits.memory_mb,
        }
    )
    try:
        with anyio.fail_after(limits.seconds):
            async with _places():
                measures = await _answer(asked.encode())
    except TimeoutError:
        return _not_measured(f"it was not done within {limits.seconds:g} s")
    except (_Failed, OSError) as error:
        return _not_measured(str(error))
    return Measured(measures, "" if measures.parsed else _unparsed(measures.language))


def _not_measured(why: str) -> Measured:
    logger.warning("source code was not measured", reason=why)
    return Measured(None, f"the code was not measured: {why}")


def _unparsed(language: str) -> str:
    return f"the code has syntax errors, read as {language}: the counts are of what could be read"


def _places() -> anyio.Semaphore:
    """Return the places of this event loop."""
    try:
        return _semaphore.get()
    except LookupError:
        _semaphore.set(made := anyio.Semaphore(AT_ONCE))
        return made


async def _answer(asked: bytes) -> CodeMeasures:
    """Ask a child.

    Raises:
        _Failed: It ended without an answer.
        OSError: It could not be started.
    """
    answer, words = bytearray(), bytearray()
    async with await _started() as child:
        async with anyio.create_task_group() as group:
            group.start_soon(_collect, child.stdout, answer)
            group.start_soon(_collect, child.stderr, words)
            group.start_soon(_send, child, asked)
        returncode = await child.wait()
    try:
        if returncode == 0:
            return CodeMeasures(**json.loads(answer))
    except (ValueError, TypeError) as error:
        raise _Failed(f"the measuring process answered what is no answer: {error}") from error
    said = words.decode("utf-8", "replace").strip().rpartition("\n")[2][-WORDS:]
    raise _Failed(f"the measuring process ended with {returncode}{said and f': {said}'}")


async def _started() -> Process:
    """Start a child; not half, or a caller who goes just then would leave it."""
    with anyio.CancelScope(shield=True):
        return await anyio.open_process([sys.executable, *COMMAND])
    raise _Failed("no measuring process was started")  # for type checkers: a scope may end early


async def _send(child: Process, asked: bytes) -> None:
    if child.stdin is not None:
        with suppress(*GONE):
            await child.stdin.send(asked)
            await child.stdin.aclose()


async def _collect(stream: ByteReceiveStream | None, into: bytearray) -> None:
    if stream is not None:
        with suppress(*GONE):
            async for chunk in stream:
                into += chunk
