"""Logs: JSON lines on stderr and, for servers, in a rotated file; never on stdout.

People at a terminal are shown what went wrong, in plain lines; the file has everything.
"""

import logging
import sys
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

LARGEST, KEPT = 5_000_000, 3  # bytes of a file, files beside the newest
NAME = "foresight.log"
JSON = structlog.processors.JSONRenderer()


def configure(level: str, directory: Path | None = None, *, people: bool = False) -> None:
    """Send our logs and those of libraries to stderr and, with a directory, to a file there.

    Args:
        level: Of what is logged.
        directory: Where the file is.
        people: Whether somebody reads stderr: then only warnings go there, in plain lines.
    """
    shared: list[structlog.typing.Processor] = [
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
    foreign: list[structlog.typing.Processor] = [*shared, structlog.processors.format_exc_info]
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    screen = logging.StreamHandler(sys.stderr)
    screen.setFormatter(_formatter(foreign, _lines() if people else JSON))
    screen.setLevel(logging.WARNING if people else logging.NOTSET)
    root.addHandler(screen)
    if directory is not None and (file := _file(directory)) is not None:
        file.setFormatter(_formatter(foreign, JSON))
        root.addHandler(file)
    root.setLevel(level.upper())
    # one line per request of every client is noise in a file meant for trouble
    for noisy in ("mcp", "uvicorn.access", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def _formatter(
    foreign: Sequence[structlog.typing.Processor], renderer: structlog.typing.Processor
) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _lines() -> structlog.typing.Processor:
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def route() -> None:
    """Hand our logs to the standard library's, unless a program has decided otherwise.

    Left alone, structlog writes to stdout.
    """
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
