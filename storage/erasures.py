"""Forgetting: what a scope covers goes, and with it everything that was made of it.

An erasure keeps all writers off, so that each of them comes wholly before or wholly after it. What
their processes made before they heard of it is refused when it arrives (`forgotten` in the schema).

Chains of corrections, where only some members go:

* A correction that names the key of a row goes with that row: it speaks of the same.
* One that names the decision stays while the decision does, and then corrects what is left.
* A weaker word that is the last one left on a decision takes its place at the end of the log.
  Of an outcome in steps only the last of several weaker words does.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage import runs
from storage.queries import QUERIES

if TYPE_CHECKING:
    from asyncpg import Record

    from storage.pool import AnyConnection

SECONDS = 3600.0  # for one statement: a log may be long
UNHURRIED = "set local statement_timeout = 0; set local lock_timeout = '30s'"
SOMEBODY = "somebody forgotten"
STOPPED = "rows that it had read were forgotten; it is done again without them"
WITHDRAWN = "its training data held rows that were forgotten"
ASKED = "rows were forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is to be forgotten: rows for which all that is given holds.

    Attributes:
        learner: Empty: of all learners.
        since: Asked or known from then on; ``until`` is the end, itself not included.
    """

    learner: str = ""
    project: str = ""
    user: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def arguments(self) -> tuple[Any, ...]:
        """Return it as the statements take it: learner, project, user, since, until."""
        return self.learner or None, self.project or None, self.user or None, self.since, self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What goes of one learner.

    Attributes:
        outcomes: Stored ones, folded or not.
        versions: Those that lose their params, because their training data held such rows.
        withdrawn: The one among them that is being served.
        first: Number of the first event that goes; None: nothing was learned of any of it.
    """

    learner: str
    decisions: int
    outcomes: int
    versions: list[int]
    withdrawn: int | None
    first: int | None

    def record(self) -> dict[str, Any]:
        """Return the counts, for the audit."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "learner"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What goes in all; ``waiting`` outcomes belong to no learner yet."""

    shares: tuple[Share, ...]
    waiting: int

    @property
    def rows(self) -> int:
        """Decisions and outcomes together."""
        return self.waiting + sum(share.decisions + share.outcomes for share in self.shares)

    def record(self) -> dict[str, Any]:
        """Return the counts, for the audit."""
        counts = {share.learner: share.record() for share in self.shares}
        return {"learners": counts, "waiting": self.waiting}


def recorded(counts: Any) -> Extent:
    """Return the extent whose record this is."""
    shares = (Share(learner=name, **share) for name, share in counts["learners"].items())
    return Extent(shares=tuple(shares), waiting=counts["waiting"])


async def preview(connection: AnyConnection, scope: Scope) -> Extent:
    """Return what would go; nothing does."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(UNHURRIED)
        return await _doom(connection, scope)
    finally:
        await transaction.rollback()


async def erase(connection: AnyConnection, scope: Scope, *, key: uuid.UUID, by: str) -> Extent:
    """Forget, in one transaction, and return what went.

    Every learner in the scope begins a new epoch of its memory, and a training that is under way
    loses its lease.

    Args:
        key: Made by the caller; done again with it, nothing more happens.
        by: Who does it.
    """
    async with connection.transaction():
        await connection.execute(UNHURRIED)
        await _do(connection, "lock_erasures")
        await _do(connection, "lock_learners", scope.learner or None)
        number = await _recorded(connection, scope, key, by)
        if number is None:
            return recorded(await connection.fetchval(QUERIES["erasure"], key))
        extent = await _doom(connection, scope)
        await _delete_rows(connection)
        for share in extent.shares:
            await _renew(connection, share, number)
        if scope.user:
            await _unname(connection, scope)
        await connection.execute(QUERIES["count_erased"], number, extent.record())
        await connection.execute(QUERIES["notify"], "forgotten")
    return extent


async def projects(connection: AnyConnection, limit: int) -> list[str]:
    """Return the names of projects of which something is stored."""
    return [row["project"] for row in await connection.fetch(QUERIES["named_projects"], limit)]


async def _do(connection: AnyConnection, name: str, *arguments: Any) -> None:
    await connection.execute(QUERIES[name], *arguments, timeout=SECONDS)


async def _recorded(connection: AnyConnection, scope: Scope, key: uuid.UUID, by: str) -> int | None:
    """Write the record, the names in it as salted hashes; None when it is there already."""
    learner, project, user, since, until = scope.arguments()
    by = SOMEBODY if by == scope.user else by
    salt = secrets.token_bytes(16)
    number: int | None = await connection.fetchval(
        QUERIES["insert_erasure"], key, by, learner, salt, project, user, since, until
    )
    return number


async def _doom(connection: AnyConnection, scope: Scope) -> Extent:
    """Collect what goes, in tables that the transaction's end drops, and return what that is."""
    await connection.execute(QUERIES["doomed_tables"])
    await _do(connection, "doom_decisions", *scope.arguments())
    await _do(connection, "doom_events", *scope.arguments())
    await _do(connection, "doom_corrections")
    rows = await connection.fetch(QUERIES["doomed_counts"], scope.learner or None, timeout=SECONDS)
    shares = tuple([await _share(connection, row) for row in rows])
    return Extent(shares=shares, waiting=await connection.fetchval(QUERIES["doomed_waiting"]))


async def _share(connection: AnyConnection, row: Record) -> Share:
    learner, first = row["learner"], row["first_seq"]
    known = await connection.fetch(QUERIES["knowing_versions"], learner, first) if first else ()
    versions = [each["number"] for each in known]
    return Share(
        learner=learner,
        decisions=row["decisions"],
        outcomes=row["outcomes"],
        versions=versions,
        withdrawn=row["incumbent"] if row["incumbent"] in versions else None,
        first=first,
    )


async def _delete_rows(connection: AnyConnection) -> None:
    """Delete what is doomed, and mend the chains that it was part of."""
    for step in (
        "scrub_answers",
        "give_up_first_words",
        "pass_over_doomed",
        "delete_doomed_events",
        "delete_doomed_decisions",
        "mend_replaced",
        "raise_weaker",
        "mend_steps",
    ):
        await _do(connection, step)


async def _renew(connection: AnyConnection, share: Share, number: int) -> None:
    """Let a learner begin anew with what is left."""
    learner = share.learner
    if share.first is not None:
        await _do(connection, "erase_params", learner, share.first, number)
    await _do(connection, "delete_snapshots", learner)
    await _do(connection, "begin_epoch", learner, share.versions)
    await _do(connection, "stop_runs", learner, STOPPED)
    if share.withdrawn is not None:
        by = f"erasure {number}"
        await _do(connection, "insert_promotion", learner, None, share.withdrawn, by, WITHDRAWN)
    if share.first is not None:
        await runs.request(connection, learner, ASKED)


async def _unname(connection: AnyConnection, scope: Scope) -> None:
    """Take a forgotten user's name out of the audit."""
    learner, _, user, since, until = scope.arguments()
    await _do(connection, "unname_promoters", user, SOMEBODY, learner, since, until)
    await _do(connection, "unname_erasers", user, SOMEBODY, since, until)
