"""Verbs that look after the installation: doctor, db, uninstall."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from learners.errors import WrongInput
from server.cli_run import CARE, Json, prepared, print_json, waiting
from server.cli_upgrade import upgrade
from server.settings import Settings
from storage.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.backup import Source
    from storage.binaries import Binaries

T = TypeVar("T")
Yes = Annotated[bool, typer.Option("--yes", metavar="", help="Do not ask.")]
LEFT = (
    "Clients name Foresight in their own configuration: remove `foresight` there. Then "
    "`pip uninstall foresight`, or delete the environment.\n"
)

db = typer.Typer(help="The database: where, dump, restore, upgrade.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(rich_help_panel=CARE)(doctor)
    db.command("where")(where)
    db.command("dump")(dump)
    db.command("restore")(restore)
    db.command("upgrade")(upgrade)
    app.add_typer(db, name="db", rich_help_panel=CARE)
    app.command(rich_help_panel=CARE)(uninstall)


def doctor(as_json: Json = False) -> None:
    """Check everything; say what is wrong and what to do. Leaves with 1 if something is."""
    from dataclasses import asdict

    import anyio

    from server.checks import examine

    settings = prepared()
    with waiting("checking"):
        findings = anyio.run(examine, settings)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for each in findings:
            remedy = f"\n      to do: {each.remedy}" if each.remedy else ""
            sys.stdout.write(f"{each.state:4}  {each.name}: {each.found}{remedy}\n")
    if any(each.state == "fail" for each in findings):
        raise typer.Exit(1)


def where(as_json: Json = False) -> None:
    """Say where the data, the server's socket and the logs are."""
    found = _where(prepared())
    if as_json:
        print_json(found)
    else:
        sys.stdout.writelines(
            f"{name}: {_shown(value)}\n" for name, value in found.items() if value is not None
        )


def _shown(value: Any) -> str:
    missing = isinstance(value, Path) and not value.exists()
    return f"none yet ({value})" if missing else str(value)


def _where(settings: Settings) -> dict[str, Any]:
    from storage.embedded import status
    from storage.pool import external
    from storage.upgrade import kept

    if settings.database_url:
        return {"database": external(settings.database_url).label, "logs": settings.logs}
    found = status(settings.cluster, account=settings.pg_account or None)
    return {
        "database": "embedded",
        "directory": found.place.base,
        "data": found.place.data,
        "running": found.running,
        "process": found.pid,
        "postgresql": found.major,
        "bytes": found.size,
        "dumps": found.place.dumps,
        "old_data": next(iter(kept(found.place)), None),
        "database_log": found.log,
        "logs": settings.logs,
    }


def dump(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace an existing file.")
    ] = False,
) -> None:
    """Write everything stored to a file."""
    from storage import backup

    if file.exists() and not force:
        raise WrongInput(f"file: {file} exists; name another one, or use --force")
    if not (folder := file.absolute().parent).is_dir():
        raise WrongInput(f"file: there is no folder {folder}; make it first")
    written = _with_tools(lambda source, tools: backup.dump(source, file.absolute(), tools))
    sys.stdout.write(f"{written} ({written.stat().st_size} bytes)\n")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `db dump` wrote.")], yes: Yes = False
) -> None:
    """Replace everything stored with a dump, wholly or not at all.

    A dump is SQL that the database's own account runs: restore only what you trust.
    """
    from storage import backup

    if not file.is_file():
        raise WrongInput(f"file: expected a dump, {file} is none")
    confirm(f"Replace everything stored with {file}?", yes=yes)
    _with_tools(lambda source, tools: backup.restore(source, file.absolute(), tools))
    sys.stdout.write("Restored. Restart servers that run: they still remember what was before.\n")


def _with_tools(call: "Callable[[Source, Binaries], T]") -> "T":
    from storage.binaries import find
    from storage.embedded import attach

    settings = prepared()
    if settings.database_pooler and not settings.database_direct_url:
        raise WrongInput(
            "FORESIGHT_DATABASE_DIRECT_URL: expected the server's own address: a dump needs a "
            "session, which a pooler does not keep"
        )
    with waiting("working"):
        if settings.database_url:
            return call(
                settings.database_direct_url or settings.database_url, find(settings.pg_bin)
            )
        account = settings.pg_account or None
        with attach(settings.cluster, binaries=settings.pg_bin, account=account) as lease:
            return call(lease.dsn, lease.binaries)


def confirm(question: str, *, yes: bool) -> None:
    """Ask at the terminal, unless told not to; a no ends the program."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongInput("expected --yes, because there is no terminal to ask at")
    typer.confirm(question, abort=True)


def uninstall(
    data: Annotated[
        bool, typer.Option("--data", metavar="", help="Delete what is stored, too.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Stop the embedded database and, with --data, delete everything stored."""
    from server.tokens import FILE
    from storage.embedded import locate, stop

    settings = prepared()
    account = settings.pg_account or None
    base = locate(settings.cluster, account).base
    tokens = settings.data_dir / FILE
    places = (base, settings.cluster, settings.logs, tokens)
    if not any(place.exists() for place in places):
        sys.stdout.write(f"Nothing is stored in {settings.data_dir}.\n{LEFT}")
        return
    if _in_use(base):
        raise Unavailable(
            "a server still uses the database and would start it again; close the clients that "
            "started it, then repeat"
        )
    if data:
        confirm(f"Delete everything stored in {settings.data_dir} and {base}?", yes=yes)
    stopped = stop(settings.cluster, account=account)
    sys.stdout.write("The database is stopped.\n" if stopped else "No database was running.\n")
    if data:
        tokens.unlink(missing_ok=True)
        for directory in places:
            shutil.rmtree(directory, ignore_errors=True)
        _remove_if_empty(settings.data_dir)
        sys.stdout.write(f"Deleted: {base}, {settings.logs}.\n")
    else:
        sys.stdout.write(f"Kept: {base} (what was learned) and {settings.logs}.\n")
    sys.stdout.write(LEFT)


def _in_use(base: Path) -> bool:
    from storage.cluster_locks import CLIENTS, gate, open_lock, take
    from storage.embedded import GATE_SECONDS

    if not (base / CLIENTS).exists():
        return False
    lock = open_lock(base / CLIENTS)
    try:
        with gate(base, GATE_SECONDS):  # the watcher, too, holds both while it stops the server
            return not take(lock)
    finally:
        os.close(lock)


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        return  # it holds something that is not ours, or is gone already
