"""The verb that prints a version's model card."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.wording import count
from server.cli_evaluate import print_importance, print_metrics
from server.cli_learn import Learner, known
from server.cli_run import LEARN, Json, print_json, through

if TYPE_CHECKING:
    from server.direct import Foresight


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel=LEARN)(card)


def card(
    learner: Learner,
    version: Annotated[
        int | None, typer.Option(min=1, help="From `foresight versions`; default: what is served.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a version is, how it was judged and beside what, and what it goes by."""
    name = known(learner).name

    async def read(verbs: "Foresight") -> dict[str, Any]:
        from learners.status import card as of

        return await of(verbs.lifecycle, name, version)

    found = through(read)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    sys.stdout.write(f"{found['learner']}: {found['title']}\n")
    report = found["report"]
    if report is None:
        sys.stdout.write("no version is served\n")
    else:
        served = ", served" if found["status"]["incumbent"] == found["version"] else ""
        sys.stdout.write(
            f"version {found['version']} ({found['candidate']}){served}, "
            f"made {found['created_at']}\n"
            f"{count(report['rows'], 'row')} in {count(report['groups'], 'group')} judged it\n"
        )
        print_metrics(report["metrics"])
        print_importance(found["importance"])
    run = found["last_run"]
    if run is not None:
        sys.stdout.write(f"last run {run['run']}: {run['result']}: {run['reason']}\n")
