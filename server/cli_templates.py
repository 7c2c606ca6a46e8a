"""Verbs about the catalogue of templates."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.errors import InvalidFacts, WrongInput
from server.cli_run import DATA, Json, print_json, print_table, through, with_database
from server.cli_words import explained

if TYPE_CHECKING:
    from server.direct import Foresight

TEMPLATES = "template_ranking"
FIELDS = ("name", "text", "task_type", "language", "framework", "tags", "complexity", "retired")

templates = typer.Typer(
    help="The catalogue of templates: list, add, import, propose, retire, remove.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of a template.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    templates.command("list")(list_templates)
    templates.command("add")(add_template)
    templates.command("import")(import_templates)
    templates.command("propose")(propose_changes)
    templates.command("retire")(retire_template)
    templates.command("remove")(remove_template)
    app.add_typer(templates, name="templates", rich_help_panel=DATA)


def list_templates(as_json: Json = False) -> None:
    """List the templates that you described."""
    records = [_record(entry) for entry in with_database(_entries)]
    if as_json:
        print_json(records)
        return
    print_table(FIELDS, ([_cell(record[name]) for name in FIELDS] for record in records))


def _record(entry: Mapping[str, Any]) -> dict[str, Any]:
    blank = {"text": "", "task_type": "other", "language": "", "framework": "", "tags": []}
    return {**dict.fromkeys(FIELDS), **blank, "retired": False, **entry}


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else ""
    return ", ".join(value) if isinstance(value, list) else value


async def _entries(database: Any) -> tuple[dict[str, Any], ...]:
    from storage import catalog

    read = partial(catalog.entries, learner=TEMPLATES)
    found: tuple[dict[str, Any], ...] = await database.run(read)
    return found


def add_template(
    name: Name,
    text: Annotated[str | None, typer.Option(help="Title and description; @FILE reads it.")] = None,
    task_type: Annotated[
        str | None,
        typer.Option(
            help="backend, frontend, database, testing, documentation, devops, refactoring, "
            "implementation or other."
        ),
    ] = None,
    language: Annotated[str | None, typer.Option(help="Programming language.")] = None,
    framework: Annotated[str | None, typer.Option(help="Framework.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="What it is about; repeatable.")] = None,
    complexity: Annotated[float | None, typer.Option(help="0 to 10.")] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            metavar="",
            help="Describe anew one that is described; what you leave out stays.",
        ),
    ] = False,
) -> None:
    """Describe a template, so that it can be ranked before it was ever used."""
    from server.template_files import described, text_of

    given = {
        "text": None if text is None else text_of(text[1:]) if text.startswith("@") else text,
        "task_type": task_type,
        "language": language,
        "framework": framework,
        "tags": tag or None,
        "complexity": complexity,
    }
    said = {field: value for field, value in given.items() if value is not None}
    try:
        entry = described({"name": name, **said})
    except InvalidFacts as error:
        raise InvalidFacts(explained("templates add", {"name": "", **given}, str(error))) from None
    through(partial(_put, entries=[entry], replace=replace))
    blank = len(said) == 0 and not replace
    note = (
        " Nothing is said of it, so it is matched by the words of its name only." if blank else ""
    )
    sys.stdout.write(f"{entry['name']} is in the catalogue; running servers take it up.{note}\n")


def import_templates(
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="CSV, JSON or JSON lines.")],
    replace: Annotated[
        bool, typer.Option("--replace", metavar="", help="Describe anew what is described.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Describe many templates.

    Columns: name, and where known text, task_type, language, framework, tags (in CSV divided by
    commas or semicolons), complexity (0 to 10), retired. Nothing is imported if a row is wrong.
    Templates that are described already stay as they are, unless --replace is given.
    """
    from learners.wording import count
    from server.template_files import read, text_of

    entries = read(text_of(source))
    added = through(partial(_put, entries=entries, replace=replace, skip=True))
    result = {"rows": len(entries), "described": added, "known": len(entries) - added}
    if as_json:
        print_json(result)
        return
    sys.stdout.write(
        f"{count(result['rows'], 'row')}: {added} described, {result['known']} known before.\n"
    )


async def _put(
    verbs: "Foresight", *, entries: list[dict[str, Any]], replace: bool, skip: bool = False
) -> int:
    """Add descriptions; with ``replace`` what they leave out stays, with ``skip`` known ones do."""
    from learners.governing import add_all_to_catalogue

    there = {each["name"]: each for each in verbs.lifecycle.live(TEMPLATES).added}
    known = [entry["name"] for entry in entries if entry["name"] in there]
    if known and not replace and not skip:
        raise WrongInput(f"name: {known[0]} is described already; use --replace")
    wanted = [entry for entry in entries if replace or entry["name"] not in there]
    whole = [{**there.get(entry["name"], {}), **entry} for entry in wanted]
    await add_all_to_catalogue(verbs.lifecycle, TEMPLATES, whole)
    return len(wanted)


def propose_changes(as_json: Json = False) -> None:
    """Say which templates outcomes suggest to retire, merge or split; nothing is changed."""
    found = through(_proposals)
    records = [
        {
            "action": each.action,
            "templates": list(each.templates),
            "by": each.by,
            "n": each.own.n,
            "other_n": each.other.n,
            "apart": each.apart.value,
            "low": each.apart.low,
            "high": each.apart.high,
            "reason": each.reason,
        }
        for each in found
    ]
    if as_json:
        print_json(records)
        return
    if not records:
        sys.stdout.write(
            "Nothing to propose: what was told so far shows no clear difference between templates, "
            "or between the tasks of one.\n"
        )
        return
    lines = (f"{each.action} {' and '.join(each.templates)}: {each.reason}\n" for each in found)
    sys.stdout.writelines(lines)
    sys.stdout.write(
        "Intervals hold for all comparisons of a kind together. Nothing was changed; "
        "`foresight templates retire NAME` takes one out of the ranking.\n"
    )


async def _proposals(verbs: "Foresight") -> Any:
    from learners.catalog.template_ranking import propose, templates

    live = verbs.lifecycle.live(TEMPLATES)
    return propose(live.fold.memory, templates(live.added))


def retire_template(
    name: Name,
    undo: Annotated[
        bool, typer.Option("--undo", metavar="", help="Take it into the ranking again.")
    ] = False,
) -> None:
    """Rank a template only where it is named; what was learned of it stays."""
    through(partial(_retire, name=name.strip(), retired=not undo))
    state = "ranked again" if undo else "retired: ranked only where it is named"
    sys.stdout.write(f"{name.strip()} is {state}.\n")


async def _retire(verbs: "Foresight", *, name: str, retired: bool) -> None:
    from learners.governing import add_to_catalogue

    there = {each["name"]: each for each in verbs.lifecycle.live(TEMPLATES).added}
    if name not in there:
        raise _unknown(name)
    await add_to_catalogue(verbs.lifecycle, TEMPLATES, {**there[name], "retired": retired})


def remove_template(name: Name) -> None:
    """Remove the description of a template; what was observed of it stays."""
    from storage import catalog

    drop = partial(catalog.drop, learner=TEMPLATES, name=name.strip())
    if not with_database(lambda database: database.run(drop)):
        raise _unknown(name)
    sys.stdout.write(f"{name.strip()} is no longer in the catalogue.\n")


def _unknown(name: str) -> WrongInput:
    from learners.wording import quoted

    return WrongInput(f"name: no template {quoted(name)} is described; `foresight templates list`")
