"""The verb that makes a version again and compares."""

import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from learners.wording import count
from server.cli_learn import Learner, known
from server.cli_run import LEARN, Json, print_json, waiting, with_database

if TYPE_CHECKING:
    from learners.reproducing import Reproduction
    from storage.database import Database


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel=LEARN)(reproduce)


def reproduce(
    learner: Learner,
    version: Annotated[int, typer.Argument(min=1, help="A version, from `foresight versions`.")],
    as_json: Json = False,
) -> None:
    """Make a version again from the stored rows and compare their predictions.

    The rows, the seed and the settings are those of its run. Leaves with 1
    if the two differ, and with 2 if it cannot be done.
    """
    name = known(learner).name
    found = with_database(partial(_reproduced, name=name, version=version))
    if as_json:
        print_json({**asdict(found), "same": found.same})
    else:
        _show(found)
    if not found.same:
        raise typer.Exit(1)


async def _reproduced(database: "Database", name: str, version: int) -> "Reproduction":
    from learners import reproducing

    with waiting(f"refitting version {version} of {name}"):
        return await reproducing.reproduce(database, known(name), version)


def _show(found: "Reproduction") -> None:
    verdict = "reproduced" if found.same else "NOT reproduced"
    bits = ", to the last bit" if found.same_bytes and found.same else ""
    sys.stdout.write(
        f"{found.learner} version {found.version} ({found.candidate}), refitted from "
        f"{count(found.events, 'stored event')}: {verdict}{bits}.\n"
        f"Largest difference of {count(found.rows, 'prediction')}: {found.difference:.3g}\n"
    )
    sys.stdout.writelines(f"warning: {line}\n" for line in found.warnings)
