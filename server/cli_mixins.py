"""Verbs about the catalogue of mixins."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.errors import InvalidFacts, WrongInput
from server.cli_run import DATA, Json, print_json, print_table, through, with_database

if TYPE_CHECKING:
    from server.direct import Foresight

MIXINS = "mixin_compatibility"
FLAGS = ("async_safe", "state_modifying", "resource_intensive")

mixins = typer.Typer(help="The catalogue of mixins: list, add, remove.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    mixins.command("list")(list_mixins)
    mixins.command("add")(add_mixin)
    mixins.command("remove")(remove_mixin)
    app.add_typer(mixins, name="mixins", rich_help_panel=DATA)


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
        str | None, typer.Option(help="infrastructure, resilience, business or data_access.")
    ] = None,
    async_safe: Annotated[
        bool | None,
        typer.Option("--async-safe/--not-async-safe", metavar="", help="Works in async code."),
    ] = None,
    state_modifying: Annotated[
        bool | None,
        typer.Option("--state-modifying/--not-state-modifying", metavar="", help="Changes state."),
    ] = None,
    resource_intensive: Annotated[
        bool | None,
        typer.Option(
            "--resource-intensive/--not-resource-intensive",
            metavar="",
            help="Needs much time, memory or I/O.",
        ),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="What it is about; repeatable.")] = None,
    dependency: Annotated[
        list[str] | None, typer.Option(help="A system it needs; repeatable.")
    ] = None,
    hook: Annotated[list[str] | None, typer.Option(help="A lifecycle hook; repeatable.")] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            metavar="",
            help="Describe anew one that is described; what you leave out stays.",
        ),
    ] = False,
) -> None:
    """Describe a mixin, so that it can be judged before it was ever tested."""
    given = {
        "category": category,
        "async_safe": async_safe,
        "state_modifying": state_modifying,
        "resource_intensive": resource_intensive,
        "tags": tag or None,
        "dependencies": dependency or None,
        "lifecycle_hooks": hook or None,
    }
    said = {field: value for field, value in given.items() if value is not None}
    _check({"name": name, **said})
    entry = through(partial(_add, name=name, said=said, replace=replace))
    blank = not any(value for field, value in entry.items() if field != "name")
    note = " Nothing is said of it, so it is judged by the words of its name only." if blank else ""
    sys.stdout.write(f"{entry['name']} is in the catalogue; running servers take it up.{note}\n")


def _check(entry: Mapping[str, Any]) -> None:
    from pydantic import ValidationError

    from learners.catalog.mixin_compatibility import CATALOGUE
    from learners.wording import problems, quoted

    category = entry.get("category", "")
    if category and category not in CATALOGUE.categories:
        known = ", ".join(CATALOGUE.categories)
        raise WrongInput(f"--category: expected one of {known}; got {quoted(category)}")
    try:
        CATALOGUE.extended((entry,))
    except InvalidFacts as error:
        if isinstance(error.__cause__, ValidationError):
            raise InvalidFacts("; ".join(problems(error.__cause__))) from None
        raise


async def _add(
    verbs: "Foresight", *, name: str, said: Mapping[str, Any], replace: bool
) -> dict[str, Any]:
    """Add a description; with ``replace`` what it leaves out stays as it is."""
    from learners.catalog.mixin_compatibility import CATALOGUE
    from learners.governing import add_to_catalogue

    added = verbs.lifecycle.live(MIXINS).added
    known = CATALOGUE.extended(added)
    there = known.get(known.resolver()(name.strip()))
    if there.described and not replace:
        mine = any(each["name"] == there.name for each in added)
        state = "described already" if mine else "shipped"
        raise WrongInput(f"name: {there.name} is {state}; use --replace to describe it anew")
    entry = {"name": there.name, **(_entry(there) if there.described else {}), **said}
    await add_to_catalogue(verbs.lifecycle, MIXINS, entry)
    return entry


def _entry(component: Any) -> dict[str, Any]:
    """Return a known component as somebody would describe it."""
    return {
        "category": component.category,
        **{flag: flag in component.flags for flag in FLAGS},
        "flags": sorted(component.flags - set(FLAGS)),
        "dependencies": sorted(component.dependencies),
        "lifecycle_hooks": sorted(component.hooks),
        "tags": sorted(component.tags),
    }


def remove_mixin(name: Annotated[str, typer.Argument(help="Name of a mixin you added.")]) -> None:
    """Remove a mixin that you added; what was observed of it stays."""
    from learners.catalog.mixin_compatibility import CATALOGUE
    from learners.wording import quoted
    from storage import catalog

    _check({"name": name})
    name = CATALOGUE.resolver()(name)
    dropped = with_database(
        lambda database: database.run(partial(catalog.drop, learner=MIXINS, name=name))
    )
    if not dropped:
        raise WrongInput(f"name: no mixin {quoted(name)} was added; `foresight mixins list`")
    if name in CATALOGUE.components:
        sys.stdout.write(f"Your description of {name} is removed; the shipped one is back.\n")
    else:
        sys.stdout.write(f"{name} is no longer in the catalogue.\n")
