"""Verbs about data: import, export."""

import csv
import json
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from learners.wording import named, quoted
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
    from server.generation_import import Plan as Generations
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
    imports.command("generations")(import_generations)
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


def import_generations(
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="CSV, JSON or JSON lines.")],
    train: Annotated[
        bool,
        typer.Option("--train", metavar="", help="Ask for training runs, whatever the thresholds."),
    ] = False,
    project: Annotated[
        str, typer.Option(help="Project id of rows without project_id; default: none.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Import generations: what ml_generation_events holds, or rows with our own names.

    Columns, any of which may be missing: event_id, task_id, project_id, user_id,
    session_id, started_at, completed_at, approved_at, task_type,
    task_description, language, framework, agent_type, model_used, temperature,
    max_tokens, rag_examples_count, rag_avg_similarity, generated_code or what it
    measures, self_review_score, user_action, user_feedback, final_quality_score,
    generation_time_seconds, tokens_used, cost_usd, success, approved,
    num_regenerations, metadata. A row without user_action and success is not
    counted as a failure. Importing a file again changes nothing; a row that says
    something else than before corrects it.
    """
    from learners.registry import catalog
    from server.generation_import import NAMES, plan
    from server.importing import text_of

    learners = [catalog()[name] for name in NAMES]
    found = plan(text_of(source), learners, project, time.time())
    result = through(partial(_import_generations, found=found, train=train))
    if as_json:
        print_json(result)
    else:
        sys.stdout.write(f"{_imported(result)}{f'{chr(10)}{REQUESTED}' if train else ''}\n")


async def _import_generations(
    verbs: "Foresight", found: "Generations", *, train: bool
) -> dict[str, Any]:
    from server.generation_import import NAMES, RULE, tell

    with counted("generations: importing", len(found.words)) as done:
        told = await tell(verbs.lifecycle, found, done)
    for name in NAMES if train else ():
        await verbs.lifecycle.request(name, "asked for with an import", manual=True)
    shown = ("rows", "generations", "repeated", "unfinished", "unjudged", "cut", "kinds", "unread")
    return {**{name: getattr(found, name) for name in shown}, **told, "train": train, "rule": RULE}


def _imported(result: dict[str, Any]) -> str:
    """Return what became of a file, in words."""
    from learners.wording import count

    said = [
        f"{count(result['rows'], 'row')}, {count(result['generations'], 'generation')}: "
        f"{result['new']} new, {result['changed']} changed, {result['known']} known before, with "
        f"{count(result['outcomes'], 'new outcome')}; {result['unjudged']} not judged, "
        f"{result['unfinished']} without any outcome, {result['repeated']} repeated in the file."
    ]
    if result["kinds"]:
        kinds = ", ".join(f"{quoted(name)} ({n})" for name, n in result["kinds"].items())
        said.append(f"Told as task_type other: {kinds}.")
    if result["cut"]:
        said.append(f"{count(result['cut'], 'description')} cut off: too long.")
    if result["not_measured"]:
        said.append(f"The code of {count(result['not_measured'], 'row')} was not measured.")
    if result["unread"]:
        said.append(f"Not read: {', '.join(map(named, result['unread']))}.")
    return "\n".join(said)


def export(
    what: Annotated[
        Literal["outcomes", "decisions", "matrix", "generations", "features"],
        typer.Argument(
            help="Every outcome, every answer, the matrix of pairs, or generations as the events "
            "or the feature vectors of spec 002."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Print everything stored, as CSV or with --json as a list."""
    from storage import decisions

    read: dict[str, Callable[..., Awaitable[list[Any]]]] = {
        "outcomes": decisions.export_outcomes,
        "decisions": decisions.export_decisions,
        "matrix": decisions.matrix,
        "generations": decisions.generations,
        "features": decisions.feature_vectors,
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
