"""Logs: JSON lines on stderr and, for servers, in a rotated file; never on stdout."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

LARGEST, KEPT = 5_000_000, 3  # bytes of a file, files beside the newest
NAME = "foresight.log"


def configure(level: str, directory: Path | None = None) -> None:
    """Send our logs and those of libraries to stderr and, with a directory, to a file there."""
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
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    root.addHandler(logging.StreamHandler(sys.stderr))
    if directory is not None and (file := _file(directory)) is not None:
        root.addHandler(file)
    for handler in root.handlers:
        handler.setFormatter(formatter)
    root.setLevel(level.upper())
    # one line per request of every client is noise in a file meant for trouble
    for noisy in ("mcp", "uvicorn.access", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


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
