"""The verb that lists what was done: runs, promotions, erasures, and on request decisions."""

import json
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli_learn import known
from server.cli_moments import moment
from server.cli_run import LEARN, Json, plain, print_table, with_database

if TYPE_CHECKING:
    from datetime import datetime

    from storage.database import Database


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel=LEARN)(audit)


def audit(
    learner: Annotated[str, typer.Option(help="Of one learner only.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="From then on.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 50,
    decisions: Annotated[
        bool,
        typer.Option("--decisions", metavar="", help="Also every answer and every outcome."),
    ] = False,
    as_json: Json = False,
) -> None:
    """List training runs, promotions, roll-backs and erasures, newest first.

    With --json, one object per line.
    """
    if learner:
        known(learner, "--learner")
    read = partial(_read, learner=learner or None, since=moment("--since", since), limit=limit)
    rows = with_database(partial(read, decisions=decisions))
    if as_json:
        sys.stdout.writelines(f"{json.dumps(plain(row), ensure_ascii=False)}\n" for row in rows)
        return
    columns = ("when", "what", "learner", "by", "happened")
    print_table(
        columns, ([row["at"], row["what"], row["learner"], row["by"], _said(row)] for row in rows)
    )


async def _read(
    database: "Database",
    *,
    learner: str | None,
    since: "datetime | None",
    limit: int,
    decisions: bool,
) -> list[dict[str, Any]]:
    from storage import audit as stored

    read = [stored.done, stored.decided, stored.told] if decisions else [stored.done]
    rows = list[dict[str, Any]]()
    for each in read:
        rows += await database.run(partial(each, learner=learner, since=since, limit=limit), 600.0)
    return sorted(rows, key=lambda row: row["at"], reverse=True)[:limit]


def _said(row: Mapping[str, Any]) -> str:
    """Return what happened, in a line."""
    return WORDS[row["what"]](row)


def _run(row: Mapping[str, Any]) -> str:
    version = "" if row["version"] is None else f", version {row['version']}"
    return f"run {row['run']}{version}: {row['result']}: {row['reason']}"


def _served(row: Mapping[str, Any]) -> str:
    was, now = (
        "no version" if number is None else f"version {number}"
        for number in (row["previous"], row["version"])
    )
    return f"from {was} to {now}: {row['reason']}"


def _erased(row: Mapping[str, Any]) -> str:
    found = row["counts"]["learners"].values()
    numbers = {name: sum(each[name] for each in found) for name in ("decisions", "outcomes")}
    versions = sum(len(each["versions"]) for each in found)
    scope = [name for name in ("project", "user", "from", "to") if row[name] is not None]
    return (
        f"erasure {row['erasure']} of a {' and '.join(scope)}: {numbers['decisions']} answers, "
        f"{numbers['outcomes'] + row['counts']['waiting']} outcomes, params of {versions} versions"
    )


def _decided(row: Mapping[str, Any]) -> str:
    shown = "no probability" if row["probability"] is None else f"{row['probability']:.3f}"
    version = "" if row["version"] is None else f" {row['version']}"
    told = (
        "no outcome"
        if row["outcome"] is None
        else f"{json.dumps(row['outcome'])} by {row['told_by']}"
    )
    where = row["project"] or "no project"
    return f"{row['decision']} in {where}: {shown} from {row['source']}{version}; {told}"


def _told(row: Mapping[str, Any]) -> str:
    about = f" about {row['decision']}" if row["decision"] else ""
    note = ", replaced since" if row["replaced"] else ""
    where, said = row["project"] or "no project", json.dumps(row["outcome"])
    return f"{row['kind']} in {where}{about}{note}: {said} by {row['source']}"


WORDS = {
    "run": _run,
    "promotion": _served,
    "roll-back": _served,
    "erasure": _erased,
    "decision": _decided,
    "outcome": _told,
}
