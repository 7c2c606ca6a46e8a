"""Verbs about learning: train, versions, runs."""

import sys
from collections.abc import Mapping
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.errors import WrongInput
from server.cli_run import (
    LEARN,
    Json,
    plain,
    print_json,
    print_table,
    through,
    with_database,
)
from server.cli_waiting import Watch

if TYPE_CHECKING:
    from learners.learner import AnyLearner
    from server.direct import Foresight
    from storage.database import Database

Learner = Annotated[str, typer.Argument(help="Name of a learner, e.g. mixin_compatibility.")]
OrOnly = Annotated[str, typer.Argument(help="Name of a learner.")]
POLL_SECONDS = 0.3
LARGEST = 2**63 - 1  # number of a run


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(rich_help_panel=LEARN)(train)
    app.command(rich_help_panel=LEARN)(versions)
    app.command(rich_help_panel=LEARN)(runs)


def train(
    learner: OrOnly = "",
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", metavar="", help="Train here if nobody else does, and show the result."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask for a training run; the gate decides whether its result is served."""
    learner = known(learner).name
    if not wait:
        answer = through(lambda verbs: verbs.train(learner))
        note = "A server or `foresight worker` does it; `foresight runs` shows how it ended."
        if as_json:
            print_json(answer.model_dump())
        else:
            sys.stdout.write(f"Requested. {note}\n")
        return
    # before a worker is here, which would begin with a run that is due and then make another
    last = with_database(partial(_requested, learner=learner))
    run = through(partial(_trained, learner=learner, last=last), worker=True)
    if as_json:
        print_json(run)
    else:
        sys.stdout.write(f"run {run['id']}: {run['result']}: {run['reason']}\n")
    if run["result"] == "failed":
        raise typer.Exit(1)


async def _requested(database: "Database", learner: str) -> int:
    """Ask for a run; return the number of the newest one before it."""
    from storage import runs as stored
    from storage import versions as registry

    await database.run(partial(registry.ensure, learner=learner))
    before = await database.run(partial(stored.history, learner=learner, limit=1))
    request = partial(stored.request, learner=learner, reason="asked for with train", manual=True)
    await database.run(request)
    return before[0]["id"] if before else 0


async def _trained(verbs: "Foresight", learner: str, last: int) -> dict[str, Any]:
    """Return the first run after one that ends."""
    import anyio

    from storage import runs as stored

    lifecycle = verbs.lifecycle
    newest = partial(stored.history, learner=learner, limit=1)
    with Watch() as watch:
        while True:
            found = await lifecycle.run(newest)
            if found and found[0]["id"] > last and found[0]["result"] != "running":
                run: dict[str, Any] = plain(dict(found[0].items()))
                return run
            watch.say(awaited(learner, found[0] if found else None, last))
            await anyio.sleep(POLL_SECONDS)


def awaited(learner: str, newest: Mapping[str, Any] | None, last: int) -> str:
    """Return what is waited for, when ``last`` was the newest run before this one was asked for."""
    if newest is None or newest["result"] != "running":
        return f"{learner}: a run is requested"
    if newest["id"] > last:
        return f"training {learner}, run {newest['id']}"
    since = newest["started_at"].isoformat(" ", "seconds")
    return f"{learner}: waiting for run {newest['id']}, under way since {since}"


def versions(learner: OrOnly = "", as_json: Json = False) -> None:
    """List the versions of a learner, newest first."""
    from storage import versions as stored

    learner = known(learner).name
    rows = with_database(lambda db: db.run(partial(stored.versions, learner=learner)))
    if as_json:
        print_json([dict(row.items()) for row in rows])
        return
    columns = ("version", "served", "candidate", "revision", "made", "kept")
    print_table(
        columns,
        (
            (
                row["number"],
                "yes" if row["serving"] else "",
                row["candidate"],
                row["revision"],
                row["created_at"],
                _kept(row),
            )
            for row in rows
        ),
    )


def _kept(row: Any) -> str:
    if row["erasure"] is not None:
        return f"report only, erasure {row['erasure']}"
    return "whole" if row["loadable"] else "report only"


def runs(
    learner: Annotated[str, typer.Option(help="Of one learner only.")] = "",
    compare: Annotated[
        tuple[int, int] | None, typer.Option(help="Two runs whose metrics stand side by side.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """List training runs with their results and reasons, or compare two."""
    from storage import runs as stored

    if learner:
        known(learner, "--learner")
    if compare is not None:
        _compare(compare, as_json=as_json)
        return
    rows = with_database(lambda db: db.run(lambda c: stored.history(c, learner or None, limit)))
    if as_json:
        print_json([dict(row.items()) for row in rows])
        return
    columns = ("run", "learner", "result", "version", "outcomes", "finished", "reason")
    names = ("id", "learner", "result", "number", "outcomes", "finished_at", "reason")
    print_table(columns, ([row[name] for name in names] for row in rows))


def _compare(wanted: tuple[int, int], *, as_json: bool) -> None:
    from storage import runs as stored

    for number in wanted:
        if not 1 <= number <= LARGEST:
            raise WrongInput(f"run: there is no run {number:.10g}; `foresight runs` lists them")

    async def read(database: "Database") -> list[Any]:
        return [await database.run(partial(stored.read, run=number)) for number in wanted]

    found = with_database(read)
    for number, row in zip(wanted, found, strict=True):
        if row is None:
            raise WrongInput(f"run: there is no run {number}; `foresight runs` lists them")
        if row["report"] is None:
            raise WrongInput(f"run: {number} judged nothing: {row['reason']}")
    if as_json:
        print_json([dict(row.items()) for row in found])
        return
    first, second = (_metrics(row["report"]) for row in found)
    columns = ("metric", *(f"run {row['id']} ({row['report']['chosen']})" for row in found))
    print_table(columns, ((name, first[name], second.get(name)) for name in first))


def _metrics(report: Mapping[str, Any]) -> dict[str, str]:
    found = report["metrics"].get(report["chosen"], {})
    return {name: interval(value) for name, value in found.items()}


def interval(value: Any) -> str:
    """Return a figure with its interval as text, or that there is none."""
    middle, *bounds = (float("nan") if each is None else each for each in value)
    if not isfinite(middle):
        return "none"
    shown = ", ".join(f"{bound:.3f}" for bound in bounds) if all(map(isfinite, bounds)) else "none"
    return f"{middle:.3f} [{shown}]"


def known(name: str, asked: str = "learner") -> "AnyLearner":
    """Return a learner by its name; without one, the only learner there is.

    Raises:
        UnknownLearner: With the names there are.
    """
    from learners.errors import UnknownLearner
    from learners.registry import catalog
    from learners.wording import quoted

    learners = catalog()
    if not name and len(learners) == 1:
        return next(iter(learners.values()))
    if name not in learners:
        raise UnknownLearner(f"{asked}: expected one of {', '.join(learners)}; got {quoted(name)}")
    return learners[name]
