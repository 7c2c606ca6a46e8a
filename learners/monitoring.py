"""Whether a run is due, and why: a pure function of counts, age, drift and policy."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from learners.learner import Evidence, Retrain
from learners.wording import count


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """What the last run that could look at the evidence left behind.

    Attributes:
        outcomes: Told when it started.
        missing: For a skipped run, the outcomes at which to look again.
        accuracy: Cross-validated accuracy of what is being served.
    """

    outcomes: int
    finished: datetime
    revision: int
    skipped: bool = False
    missing: int | None = None
    accuracy: float | None = None
    catalogue: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """Whether to run now, and the reason, which also says when it will be."""

    now: bool
    reason: str


def due(
    policy: Retrain,
    evidence: Evidence,
    last: LastRun | None,
    *,
    revision: int,
    catalogue: int,
    at: datetime,
) -> Due:
    """Say whether a run is due (000-63).

    Args:
        evidence: What has been told by now.
        last: The last run, or None.
        revision: Of the feature code in this program.
        catalogue: How many entries the user has added to the catalogue.
        at: The present, with a time zone.
    """
    if evidence.outcomes == 0:
        return Due(False, f"nothing told yet: the first run at {policy.outcomes} outcomes")
    if last is None:
        return _counted(evidence.outcomes, policy.outcomes, "since the start")
    if last.skipped:
        return _after_skip(policy, evidence, last)
    new = max(0, evidence.outcomes - last.outcomes)  # less is left where some was forgotten
    changed = _changed(policy, last, revision, catalogue, new, at)
    if changed:
        return Due(True, changed)
    needed = min(policy.outcomes, max(1, math.ceil(policy.growth * last.outcomes)))
    found = _counted(new, needed, "since the last run")
    if found.now or policy.nightly is None or not new:
        return found
    return Due(False, f"{found.reason}, or {_at_night(policy.nightly)}")


def _changed(
    policy: Retrain, last: LastRun, revision: int, catalogue: int, new: int, at: datetime
) -> str:
    """Return what has changed other than the number of outcomes; empty: nothing."""
    if last.revision != revision:
        return f"the features changed: revision {revision} after {last.revision}"
    if last.catalogue != catalogue:
        return f"the catalogue changed: {count(catalogue, 'entry', 'entries')} added by the user"
    if policy.age is not None and new > 0 and at - last.finished >= policy.age:
        return f"{policy.age.days} days since the last run"
    if policy.nightly is not None and new > 0 and last.finished < _night(policy.nightly, at):
        return _at_night(policy.nightly)
    if _under(last.accuracy, policy.accuracy) and new >= policy.minimum_distinct:
        return f"cross-validated accuracy {last.accuracy:.3f} is under {policy.accuracy}"
    return ""


def _at_night(hour: int) -> str:
    return f"the nightly run of {hour:02d}:00"


def _night(hour: int, at: datetime) -> datetime:
    """Return when the clock last showed this hour, in the zone of the user's machine.

    An hour that a change of the clock repeats counts once, and one that it leaves out counts as the
    next: so the moment is made of what the clock shows, which has no zone.
    """
    local = at.astimezone().replace(tzinfo=None)
    night = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    found = night.timestamp()  # not astimezone, which puts an hour left out an hour too early
    if found > at.timestamp():
        found = (night - timedelta(days=1)).timestamp()
    return datetime.fromtimestamp(found, UTC)


def _under(value: float | None, floor: float | None) -> bool:
    return value is not None and floor is not None and value < floor


def _counted(new: int, needed: int, since: str) -> Due:
    if new >= needed:
        return Due(True, f"{new} new outcomes {since}, {needed} were needed")
    return Due(False, f"{new} of {needed} new outcomes {since}")


def _after_skip(policy: Retrain, evidence: Evidence, last: LastRun) -> Due:
    """A skipped run learned nothing: look again as soon as what it lacked is there."""
    if evidence.distinct < policy.minimum_distinct:
        return Due(
            False,
            f"{evidence.distinct} of {policy.minimum_distinct} {policy.things}",
        )
    if last.missing is not None and evidence.outcomes < last.missing:
        return Due(False, f"{evidence.outcomes} of {last.missing} outcomes needed to look again")
    return Due(True, "what the last run lacked is there now")
