"""The verb `db upgrade`: the embedded database to the PostgreSQL that is installed now."""

import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from learners.errors import WrongInput
from learners.wording import count
from server.cli_run import prepared, waiting, with_database
from server.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from storage.database import Database


def upgrade(
    remove_old: Annotated[
        bool,
        typer.Option(
            "--remove-old", metavar="", help="Delete the old data once the new has been opened."
        ),
    ] = False,
) -> None:
    """Bring the embedded database to the newer PostgreSQL that is installed; keep the old data.

    Nothing may use the database meanwhile. It needs the programs of both
    versions and room for a second copy of the data. Stopped at any moment,
    it leaves the database as it was; repeat it.
    """
    from storage.upgrade import kept
    from storage.upgrade import upgrade as bring

    settings = prepared()
    if settings.database_url:
        raise WrongInput(
            "FORESIGHT_DATABASE_URL names a server that is not ours: upgrade it with its own tools"
        )
    with waiting("upgrading the database"):
        done = bring(
            settings.cluster, binaries=settings.pg_bin, account=settings.pg_account or None
        )
    if done.after > done.before:
        sys.stdout.write(f"The data is of PostgreSQL {done.after} now, before of {done.before}.\n")
    else:
        sys.stdout.write(f"The data is of PostgreSQL {done.before}; no newer one is installed.\n")
    stored = with_database(_stored)
    sys.stdout.write(f"It opens, with {count(stored, 'outcome')}.\n")
    _old(settings, kept(done.place), remove=remove_old)


async def _stored(database: "Database") -> int:
    from storage import decisions

    told = await database.run(decisions.told)
    return sum(row["outcomes"] for row in told.values())


def _old(settings: Settings, directories: "list[Path]", *, remove: bool) -> None:
    for directory in directories:
        if remove:
            shutil.rmtree(directory)
            sys.stdout.write(f"Deleted the old data in {directory}.\n")
        else:
            sys.stdout.write(
                f"The old data is kept in {directory}; `foresight db upgrade --remove-old` "
                "deletes it.\n"
            )
