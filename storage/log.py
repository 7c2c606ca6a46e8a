"""The log of events: append in commit order, read in sequence.

A plain identity column is not in commit order, so numbers are drawn under a lock that is held
until the commit: whoever reads up to a number has seen everything before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.queries import QUERIES
from storage.rows import DecisionRow, Effect, EventRow, Stored

if TYPE_CHECKING:
    from asyncpg import Record

    from storage.pool import AnyConnection

Name = tuple[str, str]


class Current(NamedTuple):
    """The last word so far on a decision or a key."""

    seq: int
    strength: float
    outcome: Any


async def append(
    connection: AnyConnection, decisions: Sequence[DecisionRow], events: Sequence[EventRow]
) -> list[Stored]:
    """Write decisions and outcomes in one transaction; return what became of each outcome.

    Idempotent: a key that is there already is a duplicate where it says the same, else a
    conflict; neither writes anything.
    """
    async with connection.transaction():
        if decisions:
            records = [decision.record() for decision in decisions]
            await connection.execute(QUERIES["insert_decisions"], records)
        if not events:
            # Advice can be given again: its record need not wait for the disk.
            await connection.execute("set local synchronous_commit = off")
            return []
        await connection.execute(QUERIES["lock_log"])
        return await _append(connection, events)


async def _append(connection: AnyConnection, events: Sequence[EventRow]) -> list[Stored]:
    seen = await _existing(connection, events)
    current = await _current(connection, events)
    numbers = iter(await connection.fetch(QUERIES["next_numbers"], len(events)))
    results, rows = list[Stored](), list[dict[str, Any]]()
    for event in events:
        name = (event.learner, event.key)
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
            for chain in _chains(event):
                current[chain] = Current(seq, event.strength, event.outcome)
        rows.append(row)
        results.append(Stored(kind, seq))
    if rows:
        await connection.execute(QUERIES["insert_events"], rows)
        replaced = [row for row in rows if row["replaces"] is not None]
        if replaced:
            await connection.execute(QUERIES["mark_replaced"], replaced)
        await connection.execute(QUERIES["notify"], "events")
    return results


def _row(event: EventRow, kind: Effect, seq: int | None, replaces: int | None) -> dict[str, Any]:
    return {**event.record(), "kind": kind, "seq": seq, "replaces": replaces, "replaced_by": None}


def _chains(event: EventRow) -> list[Name]:
    """Return the names under which a later outcome finds this one to correct it."""
    names = [(event.learner, f"key:{event.key}")]
    if event.decision_id:
        names.append((event.learner, f"decision:{event.decision_id}"))
    if event.corrects:
        names.append((event.learner, f"key:{event.corrects}"))
    return names


def _kind(event: EventRow, current: dict[Name, Current]) -> tuple[Effect, int | None]:
    if event.learner == "*":
        return "waiting", None
    chain = f"key:{event.corrects}" if event.corrects else f"decision:{event.decision_id}"
    before = current.get((event.learner, chain))
    if before is None:
        if event.corrects:
            return "nothing", None
        return ("join" if event.joined else "fact"), None
    weaker = event.strength < before.strength
    return ("weaker", None) if weaker else ("correction", before.seq)


async def _existing(connection: AnyConnection, events: Sequence[EventRow]) -> dict[Name, Any]:
    names = [{"learner": event.learner, "key": event.key} for event in events]
    rows = await connection.fetch(QUERIES["existing_keys"], names)
    return {(row["learner"], row["key"]): row for row in rows}


async def _current(connection: AnyConnection, events: Sequence[EventRow]) -> dict[Name, Current]:
    current = dict[Name, Current]()
    ids = [event.decision_id for event in events if event.decision_id and event.learner != "*"]
    if ids:
        for row in await connection.fetch(QUERIES["current_of_decisions"], ids):
            current[row["learner"], f"decision:{row['decision_id']}"] = _last_word(row)
    keys = [{"learner": e.learner, "key": e.corrects} for e in events if e.corrects]
    if keys:
        for row in await connection.fetch(QUERIES["current_of_keys"], keys):
            current[row["learner"], f"key:{row['named']}"] = _last_word(row)
    return current


def _last_word(row: Record) -> Current:
    return Current(row["seq"], row["strength"], row["outcome"])


def _again(event: EventRow, row: Any, current: dict[Name, Current]) -> Stored:
    decision = str(row["decision_id"]) if row["decision_id"] else None
    same = (
        row["outcome"] == event.outcome
        and decision == event.decision_id
        and (event.decision_id is not None or row["query"] == event.query)
    )
    if not same:
        return Stored("conflict", row["seq"])
    now = current.get((event.learner, f"decision:{event.decision_id}"))
    stands = row["replaced_by"] is None or (now is not None and now.outcome == event.outcome)
    return Stored("duplicate" if stands else "superseded", row["seq"])


async def since(
    connection: AnyConnection, seq: int, limit: int, learner: str | None = None
) -> list[dict[str, Any]]:
    """Return events after a number, in sequence; each with what it corrects and what was served."""
    rows = await connection.fetch(QUERIES["events_since"], seq, learner, limit)
    return [dict(row.items()) for row in rows]


async def waiting(connection: AnyConnection) -> list[dict[str, Any]]:
    """Return outcomes whose decision has landed since."""
    rows = await connection.fetch(QUERIES["waiting_with_decision"])
    return [dict(row.items()) for row in rows]


async def join(connection: AnyConnection, keys: Sequence[str], events: Sequence[EventRow]) -> None:
    """Give outcomes that waited their place in the log."""
    joined = [replace(event, joined=True) for event in events]
    async with connection.transaction():
        await connection.execute(QUERIES["lock_log"])
        await _append(connection, joined)
        await connection.execute(QUERIES["delete_waiting"], list(keys))
