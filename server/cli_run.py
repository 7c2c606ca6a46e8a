"""What verbs share: settings, a way into the database, and printing."""

import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from server.settings import Settings, load

if TYPE_CHECKING:
    from server.direct import Foresight
    from storage.database import Database

T = TypeVar("T")
ON_PAPER = 120  # characters of a line where there is no terminal to ask

SERVE, ASK, LEARN, DATA, CARE = "Serve", "Ask and tell", "Learn", "Data", "Care"

Json = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON, for programs.")]


def prepared() -> Settings:
    """Return the settings, with logs going where they belong."""
    from server.logs import configure

    settings = load()
    # a verb says in its own words what went wrong
    configure("error" if settings.log_level == "info" else settings.log_level)
    return settings


def through(verb: "Callable[[Foresight], Awaitable[T]]", *, worker: bool = False) -> T:
    """Do something with everything running: database, history and, if asked for, the worker."""
    import anyio

    from server.direct import foresight

    settings = prepared()

    async def run() -> T:
        async with AsyncExitStack() as stack:
            with waiting("opening the database and loading history"):
                verbs = await stack.enter_async_context(foresight(settings, worker=worker))
            return await verb(verbs)

    return anyio.run(run)


def with_database(verb: "Callable[[Database], Awaitable[T]]") -> T:
    """Do something with the database alone."""
    import anyio

    settings = prepared()

    async def run() -> T:
        async with _database(settings) as database:
            return await verb(database)

    return anyio.run(run)


@asynccontextmanager
async def _database(settings: Settings) -> "AsyncGenerator[Database, None]":
    from storage.database import open_database

    with waiting("opening the database"):
        database = await open_database(settings.where())
    try:
        yield database
    finally:
        await database.close()


def waiting(words: str) -> AbstractContextManager[Any]:
    """Show on stderr, to people only, what takes its time."""
    from rich.console import Console

    console = Console(stderr=True)
    return console.status(words) if console.is_terminal else nullcontext()


def plain(value: Any) -> Any:
    """Return a database value as JSON holds it."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    json.dump(plain(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under their columns, as wide as the terminal; nothing is cut off."""
    listed = list(rows)
    if not listed:
        sys.stdout.write("none yet\n")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in listed:
        table.add_row(*("" if value is None else _short(value) for value in row))
    paper = Console(width=_width())
    with paper.capture() as captured:
        paper.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _width() -> int | None:
    """Return how wide to print, in characters; None: as wide as the terminal."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    seen = "COLUMNS" in os.environ or any(each is not None and each.isatty() for each in streams)
    return None if seen else ON_PAPER


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value.isoformat(" ", "seconds") if hasattr(value, "isoformat") else str(value)
