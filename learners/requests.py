"""What became of a request to train, as the database says it: any process can answer."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from learners.lifecycle import Lifecycle
from storage import runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        state: Waiting for its run, while a run is under way, after it, or taken back before it.
        since: When the run under way began, or when the run ended.
        result: How the run ended: promoted, rejected, skipped or failed.
        reason: Why it ended so.
    """

    state: Literal["waiting", "running", "ended", "withdrawn"]
    since: datetime | None = None
    result: str = ""
    reason: str = ""


async def find(lifecycle: Lifecycle, learner: str, number: int) -> Request | None:
    """Return a request of a learner, or None when nobody has made it.

    Raises:
        UnknownLearner: With the names there are.
        NotStored: The database is away.
    """
    lifecycle.live(learner)
    row = await lifecycle.run(partial(runs.request_of, learner=learner, number=number))
    if row is None:
        return None
    if row["done"] and row["result"] in {None, "running"}:
        return Request(state="withdrawn")
    if row["done"]:
        return Request(
            state="ended", since=row["finished_at"], result=row["result"], reason=row["reason"]
        )
    if row["leased"] and row["result"] == "running":
        return Request(state="running", since=row["started_at"])
    return Request(state="waiting")


async def withdraw(lifecycle: Lifecycle, learner: str, number: int) -> bool:
    """Take a request back; False when its run has begun or others asked for the same run.

    Raises:
        NotStored: The database is away.
    """
    withdrawn: bool = await lifecycle.run(partial(runs.withdraw, learner=learner, number=number))
    return withdrawn
