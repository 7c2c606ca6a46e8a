"""Verbs about data: import, export, the catalogue of mixins."""

import csv
import json
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from learners.errors import WrongInput
from server.cli_run import (
    DATA,
    Json,
    plain,
    print_json,
    print_table,
    progress,
    through,
    with_database,
)

if TYPE_CHECKING:
    from server.direct import Foresight
    from server.importing import Plan

MIXINS = "mixin_compatibility"

imports = typer.Typer(help="Bring in a history.", no_args_is_help=True)
mixins = typer.Typer(help="The catalogue of mixins: list, add, remove.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    imports.command("mixins")(import_mixins)
    mixins.command("list")(list_mixins)
    mixins.command("add")(add_mixin)
    mixins.command("remove")(remove_mixin)
    app.add_typer(imports, name="import", rich_help_panel=DATA)
    app.add_typer(mixins, name="mixins", rich_help_panel=DATA)
    app.command("export", rich_help_panel=DATA)(export)


def import_mixins(
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="CSV, JSON or JSON lines.")],
    train: Annotated[
        bool, typer.Option("--train", help="Ask for a training run, whatever the thresholds.")
    ] = False,
    project: Annotated[str, typer.Option(help="Project id of these tests; default: none.")] = "",
    as_json: Json = False,
) -> None:
    """Import tests of mixins: what mixin_compatibility_matrix holds, or labelled pairs.

    Columns: mixin_a, mixin_b, node_type and either success_count, failure_count or compatible;
    also conflict_reason, resolution_pattern, created_at. A row counts as success_count +
    failure_count outcomes of its pair, a labelled row as one outcome, marked as a label. Rows are
    told in the order of created_at. Importing a file again changes nothing.
    """
    from learners.registry import catalog
    from server.importing import plan, text_of

    found = plan(text_of(source), catalog()[MIXINS], project, time.time())
    result = through(partial(_import, found=found, train=train))
    if as_json:
        print_json(result)
        return
    note = " A training run is requested." if train else ""
    sys.stdout.write(
        f"{result['rows']} rows: {result['new']} new with {result['outcomes']} outcomes, "
        f"{result['known']} known before, {result['repeated']} repeated in the file, "
        f"{result['empty']} without a test.{note}\n"
    )


async def _import(verbs: "Foresight", found: "Plan", *, train: bool) -> dict[str, Any]:
    from server.importing import RULE, tell

    with progress() as bar:
        task = bar.add_task("importing", total=len(found.rows))
        told = await tell(
            verbs.lifecycle, MIXINS, found, lambda done: bar.update(task, completed=done)
        )
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


def list_mixins(as_json: Json = False) -> None:
    """List the mixins that are known beforehand, those you added among them."""
    from learners.catalog.mixin_compatibility import CATALOGUE

    added = {row["name"]: row for row in with_database(_added)}
    known = CATALOGUE.extended(tuple(added.values())).components
    records = [
        {
            "name": each.name,
            "category": each.category,
            "characteristics": sorted(each.flags),
            "tags": sorted(each.tags),
            "dependencies": sorted(each.dependencies),
            "lifecycle_hooks": sorted(each.hooks),
            "added": each.name in added,
        }
        for each in known.values()
    ]
    if as_json:
        print_json(records)
        return
    rows = ([_joined(value) for value in record.values()] for record in records)
    print_table(tuple(records[0]), rows)


def _joined(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return ", ".join(value) if isinstance(value, list) else str(value)


async def _added(database: Any) -> tuple[dict[str, Any], ...]:
    from storage import catalog

    found: tuple[dict[str, Any], ...] = await database.run(partial(catalog.entries, learner=MIXINS))
    return found


def add_mixin(
    name: Annotated[str, typer.Argument(help="Name of the mixin.")],
    category: Annotated[
        str, typer.Option(help="infrastructure, resilience, business or data_access.")
    ] = "",
    async_safe: Annotated[bool, typer.Option("--async-safe")] = False,
    state_modifying: Annotated[bool, typer.Option("--state-modifying")] = False,
    resource_intensive: Annotated[bool, typer.Option("--resource-intensive")] = False,
    tag: Annotated[list[str] | None, typer.Option(help="What it is about; repeatable.")] = None,
    dependency: Annotated[
        list[str] | None, typer.Option(help="A system it needs; repeatable.")
    ] = None,
    hook: Annotated[list[str] | None, typer.Option(help="A lifecycle hook; repeatable.")] = None,
) -> None:
    """Describe a mixin, so that it can be judged before it was ever tested."""
    entry = {
        "name": name,
        "category": category,
        "async_safe": async_safe,
        "state_modifying": state_modifying,
        "resource_intensive": resource_intensive,
        "tags": tag or [],
        "dependencies": dependency or [],
        "lifecycle_hooks": hook or [],
    }
    from learners.governing import add_to_catalogue

    through(lambda verbs: add_to_catalogue(verbs.lifecycle, MIXINS, entry))
    sys.stdout.write(f"{name} is in the catalogue; running servers take it up.\n")


def remove_mixin(name: Annotated[str, typer.Argument(help="Name of a mixin you added.")]) -> None:
    """Remove a mixin that you added; what was observed of it stays."""
    from storage import catalog

    dropped = with_database(
        lambda database: database.run(partial(catalog.drop, learner=MIXINS, name=name))
    )
    if not dropped:
        raise WrongInput(f"name: no mixin {name!r:.60} was added; `foresight mixins list`")
    sys.stdout.write(f"{name} is no longer in the catalogue.\n")
