"""Logs: JSON lines on stderr and, for servers, in a rotated file; never on stdout.

People at a terminal are shown what went wrong, in plain lines; the file has everything.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from logging.handlers import MemoryHandler, RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.typing import Processor

LARGEST, KEPT = 5_000_000, 3  # bytes of a file, files beside the newest
NAME = "foresight.log"
HELD = 1000  # records, until there is something to write them

_held: list[Callable[[], None]] = []


def hold(level: str, directory: Path | None = None) -> None:
    """Do as ``configure`` once ``route`` is called, and keep until then what is logged.

    What writes the log takes a tenth of a second to import, and the first reply must not wait.
    """
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(MemoryHandler(HELD, flushLevel=logging.CRITICAL + 1))
    _held.append(partial(configure, level, directory))


def configure(level: str, directory: Path | None = None, *, people: bool = False) -> None:
    """Send our logs and those of libraries to stderr and, with a directory, to a file there.

    Args:
        level: Of what is logged.
        directory: Where the file is.
        people: Whether somebody reads stderr: then only warnings go there, in plain lines.
    """
    import structlog

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    foreign: list[Processor] = [*shared, structlog.processors.format_exc_info]
    root = logging.getLogger()
    before = root.handlers[:]
    for handler in before:
        root.removeHandler(handler)
    screen = logging.StreamHandler(sys.stderr)
    screen.setFormatter(_formatter(foreign, _lines() if people else _json()))
    screen.setLevel(logging.WARNING if people else logging.NOTSET)
    root.addHandler(screen)
    if directory is not None and (file := _file(directory)) is not None:
        file.setFormatter(_formatter(foreign, _json()))
        root.addHandler(file)
    root.setLevel(level.upper())
    # one line per request of every client is noise in a file meant for trouble
    for noisy in ("mcp", "uvicorn.access", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    for handler in before:
        if isinstance(handler, MemoryHandler):
            for record in handler.buffer:
                root.handle(record)


def _formatter(foreign: Sequence[Processor], renderer: Processor) -> logging.Formatter:
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _json() -> Processor:
    import structlog

    return structlog.processors.JSONRenderer()


def _lines() -> Processor:
    import structlog

    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def route() -> None:
    """Hand our logs to the standard library's, unless a program has decided otherwise.

    Left alone, structlog writes to stdout.
    """
    import structlog

    while _held:
        _held.pop()()
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.stdlib.add_log_level,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )


def _file(directory: Path) -> logging.Handler | None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return RotatingFileHandler(
            directory / NAME, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", delay=True
        )
    except OSError as error:
        sys.stderr.write(f"no log file in {directory}: {error}; logging to stderr only\n")
        return None
