"""Figures of learning and of generations over time, for dashboards and operators (002-90, -103)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from learners import status
from learners.lifecycle import Lifecycle
from learners.serving import Live
from storage import kpis, versions

TARGETS: Final[Mapping[str, float]] = {  # 002-98 ... 002-100
    "unmodified": 0.85, "quality": 8.5, "accuracy": 0.80, "told": 1.0,
}  # fmt: skip
SLOW: Final = 60.0  # seconds that a long history may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What became of the generations that were asked about in a week; None is: nothing known.

    Attributes:
        week: Its Monday.
        told: Share of which something was told, ``judged`` of which it was judged.
        unmodified: Share of those judged that was accepted unmodified.
        quality: Mean, 0 to 10; likewise of what was told regenerations and cost.
        seconds_to_approval: Median from asking to acceptance, modified or not.
        predicted: Judged ones whose success was predicted; how often rightly, and with what loss
            beside that of the share accepted until then.
        runs: Training runs of these learners that looked at the evidence.
    """

    week: str
    generations: int
    told: float | None
    judged: float | None
    unmodified: float | None
    quality: float | None
    regenerations: float | None
    cost_usd: float | None
    seconds_to_approval: float | None
    predicted: int
    accuracy: float | None
    loss: float | None
    base_loss: float | None
    runs: int


async def weekly(lifecycle: Lifecycle, weeks: int, project: str | None = None) -> list[Week]:
    """Return the newest weeks, oldest first; the last is under way.

    Raises:
        NotStored: The database is away.
    """
    rows = await lifecycle.run(partial(kpis.weekly, weeks=weeks, project=project), SLOW)
    return [_week(row) for row in rows]


def _week(row: Mapping[str, Any]) -> Week:
    shares: dict[str, Any] = {
        "told": _share(row["told"], row["generations"]),
        "judged": _share(row["judged"], row["generations"]),
        "unmodified": _share(row["unmodified"], row["judged"]),
    }
    return Week(**{**row, **shares, "week": row["week"].isoformat()})


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


async def metrics(lifecycle: Lifecycle, weeks: int, project: str | None = None) -> dict[str, Any]:
    """Return how every learner performs, and what it learned from.

    Args:
        weeks: Of the figures of generations, and ``project`` whose these are.

    Raises:
        NotStored: The database is away.
    """
    lives = list(lifecycle.lives.values())
    state = await status.status(lifecycle)
    performance = [await _performance(lifecycle, live) for live in lives]
    by_name = dict(zip(lifecycle.lives, performance, strict=True))
    last = {each.learner: each.last_run for each in state.learners}
    return {
        "model_performance": {
            name: {**found, "last_run": run and run.model_dump(mode="json")}
            for name, (found, _) in by_name.items()
            for run in (last[name],)
        },
        "prediction_accuracy": {
            each.learner: [scores.model_dump(mode="json") for scores in each.ledger]
            for each in state.learners
        },
        "feature_importance": {name: shares for name, (_, shares) in by_name.items()},
        "data_distribution": {
            live.learner.name: {
                "outcomes": live.learner.evidence(live.fold.memory).outcomes,
                **live.learner.distribution(live.fold.memory),
            }
            for live in lives
        },
        "kpis": {
            "weeks": [asdict(week) for week in await weekly(lifecycle, weeks, project)],
            "targets": dict(TARGETS),
        },
    }


async def _performance(
    lifecycle: Lifecycle, live: Live
) -> tuple[dict[str, Any], Mapping[str, float]]:
    """Return what is served and how it was judged, beside what; and what it goes by."""
    known = await lifecycle.run(partial(versions.versions, learner=live.learner.name))
    row = next((row for row in known if row["number"] == live.version), None)
    found: dict[str, Any] = {"incumbent": live.version, "versions": len(known)}
    if row is None:
        return found, {}
    report = row["report"]
    chosen = row["candidate"]
    return {
        **found,
        "candidate": chosen,
        "created_at": row["created_at"].isoformat(),
        "rows": report.get("rows"),
        "groups": report.get("groups"),
        "metrics": report.get("metrics", {}).get(chosen, {}),
        "beside": {
            name: each for name, each in report.get("metrics", {}).items() if name != chosen
        },
    }, status.leading(report)
