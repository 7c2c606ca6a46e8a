"""The log of events: append in commit order, read in sequence.

A plain identity column is not in commit order, so numbers are drawn under a lock that is held
until the commit: whoever reads up to a number has seen everything before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storage.queries import QUERIES
from storage.rows import DecisionRow, Effect, EventRow, Json, Stored

if TYPE_CHECKING:
    from asyncpg import Record

    from storage.pool import AnyConnection

Name = tuple[str, str]
WAITING: Final = "*"  # the learner of an outcome that waits for its decision
_ASKED_OF_KEYS = (
    "learner", "key", "decision_id", "project", "about_project", "user_id", "joined", "asked",
    "known", "erasure",
)  # fmt: skip


class Current(NamedTuple):
    """The last word so far on a decision or a key, with what it adds to.

    Attributes:
        query: What it is about, where words may change that.
    """

    seq: int
    strength: float
    outcome: Any
    query: Any


async def append(
    connection: AnyConnection, decisions: Sequence[DecisionRow], events: Sequence[EventRow]
) -> list[Stored]:
    """Write decisions and outcomes; return what became of each outcome, once it is on disk.

    Idempotent: a key that is there already is a duplicate where it says the same, else a
    conflict; neither writes anything.
    """
    async with connection.transaction():
        if not events:
            await connection.execute(QUERIES["hold_off_erasures"])
            await _decide(connection, decisions, behind=True)
            return []
        await _lock(connection)
        if decisions:
            await _decide(connection, decisions, behind=False)
        return await _tell(connection, events)


async def _decide(
    connection: AnyConnection, decisions: Sequence[DecisionRow], *, behind: bool
) -> None:
    """Write decisions; ``behind``: their commit need not wait for the disk."""
    records = [decision.record() for decision in decisions]
    await connection.execute(QUERIES["insert_decisions"], records, behind)


async def _tell(connection: AnyConnection, events: Sequence[EventRow]) -> list[Stored]:
    events = await _in_use(connection, events)
    results = await _append_first_words(connection, events)
    left = [i for i, result in enumerate(results) if result is None]
    if left:
        said = await _append(connection, [events[i] for i in left])
        for i, result in zip(left, said, strict=True):
            results[i] = result
    return [result for result in results if result is not None]


async def _append_first_words(
    connection: AnyConnection, events: Sequence[EventRow]
) -> list[Stored | None]:
    """Write, in one statement, what says something for the first time; None for all others."""
    first = [event for event in events if event.learner != WAITING and not event.corrects]
    if not first:
        return [None] * len(events)
    records = [event.record() for event in first]
    rows = await connection.fetch(QUERIES["append_first_words"], records)
    numbers = {(row["learner"], row["key"]): int(row["seq"]) for row in rows}
    results = list[Stored | None]()
    for event in events:
        # taken out, so that a second row with the key is looked at again
        seq = None if event.corrects else numbers.pop((event.learner, event.key), None)
        results.append(None if seq is None else Stored("join" if event.joined else "fact", seq))
    return results


async def _lock(connection: AnyConnection) -> None:
    """Wait for one's turn. A statement of its own: what follows sees what was committed by then."""
    await connection.execute(QUERIES["hold_off_erasures_and_lock_log"])


async def _append(connection: AnyConnection, events: Sequence[EventRow]) -> list[Stored]:
    seen, gone = await _existing(connection, events)
    current = await _current(connection, events)
    numbers = iter(await connection.fetch(QUERIES["next_numbers"], len(events)))
    results, rows = list[Stored](), list[dict[str, Any]]()
    for event in events:
        name = (event.learner, event.key)
        if name in gone:
            results.append(Stored("forgotten", None))
            continue
        if name in seen:
            results.append(_again(event, seen[name], current))
            continue
        kind, replaces = _kind(event, current)
        if kind == "nothing":
            results.append(Stored("nothing", None))
            continue
        seq = None if kind in ("waiting", "weaker") else int(next(numbers)[0])
        row = _row(event, kind, seq, replaces)
        seen[name] = row
        if seq is not None:
            row["whole"] = _whole(event, kind, current)
            said = event.outcome if row["whole"] is None else row["whole"]
            now = Current(seq, event.strength, said, event.query)
            current.update(dict.fromkeys(_chains(event), now))
        rows.append(row)
        results.append(Stored(kind, seq))
    if rows:
        await connection.execute(QUERIES["insert_events"], rows)
        replaced = [row for row in rows if row["replaces"] is not None]
        if replaced:
            await connection.execute(QUERIES["mark_replaced"], replaced)
        last = max((result.seq or 0 for result in results), default=0)
        await connection.execute(QUERIES["notify"], f"events {last}")
    return results


def _row(event: EventRow, kind: Effect, seq: int | None, replaces: int | None) -> dict[str, Any]:
    return {
        **event.record(),
        "kind": kind,
        "seq": seq,
        "replaces": replaces,
        "replaced_by": None,
        "whole": None,
    }


def _chains(event: EventRow) -> list[Name]:
    """Return the names under which a later outcome finds this one to correct it."""
    names = [(event.learner, f"key:{event.key}")]
    if event.decision_id:
        names.append((event.learner, f"decision:{event.decision_id}"))
    if event.corrects:
        names.append((event.learner, f"key:{event.corrects}"))
    return names


def _kind(event: EventRow, current: dict[Name, Current]) -> tuple[Effect, int | None]:
    if event.learner == WAITING:
        return "waiting", None
    before = current.get(_chain(event))
    if before is None:
        if event.corrects:
            return "nothing", None
        return ("join" if event.joined else "fact"), None
    weaker = event.strength < before.strength
    return ("weaker", None) if weaker else ("correction", before.seq)


def _chain(event: EventRow) -> Name:
    """Return the name under which an outcome finds the one it corrects."""
    named = f"key:{event.corrects}" if event.corrects else f"decision:{event.decision_id}"
    return event.learner, named


def _whole(event: EventRow, kind: Effect, current: dict[Name, Current]) -> Json | None:
    """Return what an outcome says together with what it adds to; None: to nothing."""
    if kind == "correction" and event.adds:
        return {**current[_chain(event)].outcome, **event.outcome}
    return None


async def _in_use(connection: AnyConnection, events: Sequence[EventRow]) -> list[EventRow]:
    """Return the outcomes of decisions as about what was really used, by all words so far."""
    ids = [event.decision_id for event in events if event.adds and event.joined]
    if not ids:
        return list(events)
    rows = await connection.fetch(QUERIES["used_in_decisions"], ids)
    used: dict[str | None, Json] = {row["decision_id"]: row["used"] for row in rows}
    results = list[EventRow]()
    for event in events:
        if event.adds and event.joined:
            name = event.decision_id
            used[name] = {**used.get(name, {}), **(event.used or {})}
            results.append(replace(event, query={**(event.query or {}), **used[name]}))
        else:
            results.append(event)
    return results


async def _existing(
    connection: AnyConnection, events: Sequence[EventRow]
) -> tuple[dict[Name, Any], set[Name]]:
    """Return the rows that are there by their names, and the names that were forgotten."""
    asked = [{name: getattr(event, name) for name in _ASKED_OF_KEYS} for event in events]
    rows = await connection.fetch(QUERIES["existing_or_forgotten_keys"], asked)
    gone = {(row["learner"], row["key"]) for row in rows if row["forgotten"]}
    return {(row["learner"], row["key"]): row for row in rows if not row["forgotten"]}, gone


async def _current(connection: AnyConnection, events: Sequence[EventRow]) -> dict[Name, Current]:
    current = dict[Name, Current]()
    ids = [event.decision_id for event in events if event.decision_id and event.learner != WAITING]
    if ids:
        for row in await connection.fetch(QUERIES["current_of_decisions"], ids):
            current[row["learner"], f"decision:{row['decision_id']}"] = _last_word(row)
    keys = [{"learner": e.learner, "key": e.corrects} for e in events if e.corrects]
    if keys:
        for row in await connection.fetch(QUERIES["current_of_keys"], keys):
            current[row["learner"], f"key:{row['named']}"] = _last_word(row)
    return current


def _last_word(row: Record) -> Current:
    return Current(row["seq"], row["strength"], row["outcome"], row["query"])


def _again(event: EventRow, row: Any, current: dict[Name, Current]) -> Stored:
    decision = str(row["decision_id"]) if row["decision_id"] else None
    same = (
        row["outcome"] == event.outcome
        and row["used"] == event.used
        and decision == event.decision_id
        and (event.decision_id is not None or row["query"] == event.query)
    )
    if not same:
        return Stored("conflict", row["seq"])
    now = current.get((event.learner, f"decision:{event.decision_id}"))
    stands = row["replaced_by"] is None or (now is not None and _stands(event, now))
    return Stored("duplicate" if stands else "superseded", row["seq"])


def _stands(event: EventRow, now: Current) -> bool:
    """Return whether the last word says what an outcome says, of the same."""
    if not event.adds:
        return bool(now.outcome == event.outcome)
    whole: Json = now.outcome
    said = all(name in whole and whole[name] == value for name, value in event.outcome.items())
    return said and bool(now.query == event.query)


async def since(
    connection: AnyConnection, seq: int, limit: int, learner: str | None = None
) -> list[dict[str, Any]]:
    """Return events after a number, in sequence; each with what it corrects and what was served."""
    rows = await connection.fetch(QUERIES["events_since"], seq, learner, limit)
    return [dict(row.items()) for row in rows]


async def by_key(connection: AnyConnection, key: str) -> list[dict[str, Any]]:
    """Return what the outcomes of a key are about, one of each learner that has it."""
    return [dict(row.items()) for row in await connection.fetch(QUERIES["outcomes_by_key"], key)]


async def waiting(connection: AnyConnection, but: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return outcomes whose decision has landed since, without those of some keys."""
    rows = await connection.fetch(QUERIES["waiting_with_decision"], list(but))
    return [dict(row.items()) for row in rows]


async def join(connection: AnyConnection, keys: Sequence[str], events: Sequence[EventRow]) -> None:
    """Give outcomes that waited their place in the log."""
    joined = [replace(event, joined=True) for event in events]
    async with connection.transaction():
        await _lock(connection)
        await _append(connection, await _in_use(connection, joined))
        await connection.execute(QUERIES["delete_waiting"], list(keys))
