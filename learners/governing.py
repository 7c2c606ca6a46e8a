"""What people decide: which version is served, and what is added to a catalogue."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from learners import incumbents
from learners.errors import InvalidFacts, Refused, UnknownVersion
from learners.learner import AnyLearner
from learners.lifecycle import Lifecycle
from storage import catalog, versions


async def promote(
    lifecycle: Lifecycle, name: str, number: int, *, by: str, reason: str
) -> int | None:
    """Serve a version; return what was served before, which may be the same.

    Raises:
        UnknownVersion: With the versions there are.
        Refused: It is damaged, or of another revision.
    """
    live = lifecycle.live(name)
    known = await lifecycle.run(partial(versions.versions, learner=name))
    loadable = [row["number"] for row in known if row["loadable"]]
    if known and not loadable:
        raise UnknownVersion(f"version: no params of {name} are left; ask for a run first")
    if not loadable:
        raise UnknownVersion(f"version: nothing of {name} was trained yet; ask for a run first")
    if number not in loadable:
        shown = ", ".join(map(str, loadable))
        raise UnknownVersion(f"version: expected one of {shown}; got {number}")
    now = next((row["number"] for row in known if row["serving"]), None)
    if number == now:
        return number
    await _readable(lifecycle, live.learner, number)
    previous: int | None = await lifecycle.run(
        partial(versions.promote, learner=name, number=number, by=by, reason=reason)
    )
    return previous


async def roll_back(
    lifecycle: Lifecycle, name: str, *, by: str, reason: str
) -> tuple[int | None, int | None]:
    """Serve what was served before; return (what was, what is served now).

    Raises:
        UnknownVersion: Nothing was served before, or that is gone.
        Refused: What was served before is damaged, or of another revision.
    """
    live = lifecycle.live(name)
    history = await lifecycle.run(partial(versions.promotions, learner=name))
    if not history:
        raise UnknownVersion(f"version: nothing of {name} was ever promoted")
    now, back = history[0]["number"], history[0]["previous"]
    known = await lifecycle.run(partial(versions.versions, learner=name))
    kept = {row["number"] for row in known if row["loadable"]}
    if back is not None and back not in kept:
        raise UnknownVersion(
            f"version: {back} was served before, but its params are gone since rows that it was "
            "trained on were forgotten; promote another one or train"
        )
    if back is not None:
        await _readable(lifecycle, live.learner, back)
    await lifecycle.run(partial(versions.promote, learner=name, number=back, by=by, reason=reason))
    return now, back


async def _readable(lifecycle: Lifecycle, learner: AnyLearner, number: int) -> None:
    """Refuse before anything is written what no process could serve."""
    try:
        await incumbents.read(lifecycle.run, learner, number)
    except Refused as error:
        raise type(error)(f"{error}; promote another version, or train a new one") from None


async def add_to_catalogue(lifecycle: Lifecycle, name: str, entry: Mapping[str, Any]) -> None:
    """Add an entry to a learner's catalogue; every process takes it up.

    Raises:
        InvalidFacts: The learner has no catalogue, or the entry does not fit.
    """
    await add_all_to_catalogue(lifecycle, name, (entry,))


async def add_all_to_catalogue(
    lifecycle: Lifecycle, name: str, entries: Sequence[Mapping[str, Any]]
) -> None:
    """Add entries to a learner's catalogue, all or none.

    Raises:
        InvalidFacts: The learner has no catalogue, or an entry does not fit.
    """
    base = lifecycle.live(name).base
    if base.extend is None:
        raise InvalidFacts(f"learner: {name} has no catalogue to add to")
    base.extend(tuple(entries))
    named = {str(entry["name"]): entry for entry in entries}
    await lifecycle.run(partial(catalog.put_all, learner=name, entries=named))
