"""The verb that forgets a project, a user or a period."""

import sys
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.errors import WrongInput
from learners.wording import count
from server.cli_care import Yes, confirm
from server.cli_learn import known
from server.cli_moments import moment
from server.cli_run import DATA, Json, prepared, print_json, with_database
from server.host import host

if TYPE_CHECKING:
    from server.settings import Settings
    from storage.database import Database
    from storage.erasures import Extent, Scope

PATIENCE = 3600.0  # seconds: a log may be long
SHOWN = 20  # projects


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel=DATA)(forget)


def forget(
    project: Annotated[
        str, typer.Option(help="Id of a project, as answers are logged; . is this one.")
    ] = "",
    user: Annotated[str, typer.Option(help="Who asked or told.")] = "",
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Asked or known from then on.")
    ] = "",
    until: Annotated[
        str, typer.Option("--to", metavar="TIME", help="Asked or known before then.")
    ] = "",
    learner: Annotated[str, typer.Option(help="Of one learner only.")] = "",
    dumps: Annotated[
        bool,
        typer.Option(
            "--dumps", metavar="", help="Delete the dumps in the data directory, too: all of them."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Show what would go, and stop.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Forget a project, a user or a period for good, and train again without it.

    Given together, the options narrow: only rows for which all of them hold
    go. Outcomes go with the answers they are about, and corrections with
    what they name. Every version that was trained on a forgotten row loses
    its parameters; every running process drops it from memory within seconds.
    """
    settings = prepared()
    me = host(settings)
    project = me.project if project == "." else project
    scope = _scope(project, user, since, until, learner)
    extent = with_database(partial(_preview, scope=scope))
    files = _dumps(settings)
    if extent.rows and not (dry_run or as_json):
        sys.stdout.writelines(_would_go(extent))
    if dry_run or not extent.rows:
        _show(extent, files, scope, done=False, deleted=False, as_json=as_json)
        return
    confirm("Forget this? It cannot be undone.", yes=yes)
    extent = with_database(partial(_erase, scope=scope, by=me.user or "operator"))
    if dumps:
        for file in files:
            file.unlink(missing_ok=True)
    _show(extent, files, scope, done=True, deleted=dumps, as_json=as_json)


def _scope(project: str, user: str, since: str, until: str, learner: str) -> "Scope":
    from storage.erasures import Scope

    if not any((project, user, since, until)):
        raise WrongInput(
            "expected at least one of --project, --user, --from, --to: without any, everything "
            "would be forgotten; that is `foresight uninstall --data`"
        )
    if learner:
        known(learner, "--learner")
    start, end = moment("--from", since), moment("--to", until)
    if start is not None and end is not None and start >= end:
        raise WrongInput(f"--to: expected a time after --from, {start.isoformat()}; got {until!r}")
    return Scope(learner=learner, project=project, user=user, since=start, until=end)


async def _preview(database: "Database", scope: "Scope") -> "Extent":
    from storage import erasures

    return await database.run(partial(erasures.preview, scope=scope), PATIENCE)


async def _erase(database: "Database", scope: "Scope", by: str) -> "Extent":
    from storage import erasures

    # one key for all attempts: if the connection breaks at the end, it is still done once
    work = partial(erasures.erase, scope=scope, key=uuid.uuid4(), by=by)
    return await database.run(work, PATIENCE)


def _dumps(settings: "Settings") -> list[Path]:
    """Return the dumps that the embedded database has left in the data directory."""
    from storage.embedded import locate

    if settings.database_url:
        return []
    place = locate(settings.cluster, settings.pg_account or None)
    return sorted(place.dumps.glob("*.dump"))


def _would_go(extent: "Extent") -> Iterator[str]:
    for share in extent.shares:
        if not (share.decisions or share.outcomes):
            continue
        yield (
            f"{share.learner}: {count(share.decisions, 'answer')} and "
            f"{count(share.outcomes, 'outcome')}\n"
        )
        if share.versions:
            named = ", ".join(map(str, share.versions))
            yield f"  trained on some of it, so their params go: version {named}\n"
        if share.withdrawn is not None:
            yield (
                f"  version {share.withdrawn} is served now; from then on answers come from what "
                "is left, until a new version is admitted\n"
            )
    if extent.waiting:
        yield f"{count(extent.waiting, 'outcome')} waiting for an answer's record\n"


def _show(
    extent: "Extent",
    files: Sequence[Path],
    scope: "Scope",
    *,
    done: bool,
    deleted: bool,
    as_json: bool,
) -> None:
    left = list(_not_reached([] if deleted else files))
    if as_json:
        print_json(
            {
                "forgotten": done,
                **extent.record(),
                "dumps": {"files": files, "deleted": deleted},
                "not_reached": left,
            }
        )
        return
    if not extent.rows:
        sys.stdout.write(f"Nothing stored matches; nothing was changed.{_projects(scope)}\n")
        return
    if not done:
        sys.stdout.writelines(_would_go(extent))
        sys.stdout.write("Nothing was changed.\n")
    else:
        sys.stdout.write(
            "Forgotten. Training without it is requested; `foresight audit` keeps the record, "
            "without names.\n"
        )
    if deleted and files:
        sys.stdout.write(f"Deleted: {', '.join(map(str, files))}\n")
    sys.stdout.write("Not reached:\n")
    sys.stdout.writelines(f"* {line}\n" for line in left)


def _not_reached(files: Sequence[Path]) -> Iterator[str]:
    for file in files:
        yield f"the dump {file}; --dumps deletes it"
    yield "dumps and exports that somebody made elsewhere; to restore one brings all of it back"
    yield "backups and replicas of the database that others keep, and disk blocks it has not reused"
    yield "log files, which may name projects and users; they are rotated"
    yield "what was added to the catalogue, which belongs to no project; `foresight mixins list`"


def _projects(scope: "Scope") -> str:
    """Return the projects there are, for one who has misspelt one."""
    if not scope.project:
        return ""

    async def read(database: "Database") -> Any:
        from storage import erasures

        return await database.run(partial(erasures.projects, limit=SHOWN))

    found: list[str] = with_database(read)
    return f" Projects: {', '.join(found)}." if found else " No project is stored."
