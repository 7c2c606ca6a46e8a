"""Verbs about data: import, export."""

import csv
import json
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from server.cli_run import (
    DATA,
    Json,
    plain,
    print_json,
    through,
    with_database,
)
from server.cli_waiting import counted

if TYPE_CHECKING:
    from server.direct import Foresight
    from server.importing import Plan

MIXINS = "mixin_compatibility"
REQUESTED = (
    "A training run is requested: a running server or `foresight worker` trains; "
    "`foresight runs` shows how it ended."
)

imports = typer.Typer(help="Bring in a history.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    imports.command("mixins")(import_mixins)
    app.add_typer(imports, name="import", rich_help_panel=DATA)
    app.command("export", rich_help_panel=DATA)(export)


def import_mixins(
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="CSV, JSON or JSON lines.")],
    train: Annotated[
        bool,
        typer.Option(
            "--train", metavar="", help="Ask for a training run, whatever the thresholds."
        ),
    ] = False,
    project: Annotated[str, typer.Option(help="Project id of these tests; default: none.")] = "",
    as_json: Json = False,
) -> None:
    """Import tests of mixins: what mixin_compatibility_matrix holds, or labelled pairs.

    Columns: mixin_a, mixin_b, node_type and either success_count and
    failure_count, or compatible (1, true or yes; 0, false or no); also
    conflict_reason, resolution_pattern, created_at. A row counts as
    success_count + failure_count outcomes of its pair, a labelled row as one
    outcome, marked as a label. Rows are told in the order of created_at.
    Importing a file again changes nothing.
    """
    from learners.registry import catalog
    from learners.wording import count
    from server.importing import plan, text_of

    found = plan(text_of(source), catalog()[MIXINS], project, time.time())
    result = through(partial(_import, found=found, train=train))
    if as_json:
        print_json(result)
        return
    note = f"\n{REQUESTED}" if train else ""
    sys.stdout.write(
        f"{count(result['rows'], 'row')}: {result['new']} new with "
        f"{count(result['outcomes'], 'outcome')}, "
        f"{result['known']} known before, {result['repeated']} repeated in the file, "
        f"{result['empty']} without a test.{note}\n"
    )


async def _import(verbs: "Foresight", found: "Plan", *, train: bool) -> dict[str, Any]:
    from server.importing import RULE, tell

    with counted(f"{MIXINS}: importing", len(found.rows)) as done:
        told = await tell(verbs.lifecycle, MIXINS, found, done)
    pairs = zip(found.rows, told, strict=True)
    new = [row for row, each in pairs if each.effect not in ("duplicate", "superseded")]
    if train:
        await verbs.lifecycle.request(MIXINS, "asked for with an import", manual=True)
    return {
        "rows": len(found.rows) + found.empty + found.repeated,
        "new": len(new),
        "outcomes": sum(row.outcomes for row in new),
        "known": len(told) - len(new),
        "repeated": found.repeated,
        "empty": found.empty,
        "train": train,
        "rule": RULE,
    }


def export(
    what: Annotated[
        Literal["outcomes", "decisions", "matrix"],
        typer.Argument(help="Every outcome, every answer, or the matrix of pairs."),
    ],
    as_json: Json = False,
) -> None:
    """Print everything stored, as CSV or with --json as a list."""
    from storage import decisions

    read: dict[str, Callable[..., Awaitable[list[Any]]]] = {
        "outcomes": decisions.export_outcomes,
        "decisions": decisions.export_decisions,
        "matrix": decisions.matrix,
    }
    rows = with_database(lambda database: database.run(read[what], 600.0))
    records = [plain(dict(row.items())) for row in rows]
    if as_json:
        print_json(records)
    elif records:
        writer = csv.DictWriter(sys.stdout, list(records[0]))
        writer.writeheader()
        writer.writerows({k: _cell(v) for k, v in record.items()} for record in records)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value
