"""Figures of generations by week, and of learning (002-90, -97 ... -103)."""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rig import running

from learners.catalog.generation_success import GenerationQuery
from learners.figures import TARGETS, metrics, weekly
from learners.learner import AnyLearner
from learners.ledger import Account
from learners.lifecycle import Lifecycle
from learners.registry import catalog
from learners.serving import Caller
from learners.status import _accuracy  # pyright: ignore[reportPrivateUsage]  # a table of its own
from learners.telling import Tell
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

FAMILY = ["generation_complexity", "generation_quality", "generation_success", "generation_time"]
HOUR, WEEK = 3600.0, 7 * 86_400.0


def learners() -> list[AnyLearner]:
    return [catalog()[name] for name in FAMILY]


def monday(weeks_ago: int) -> float:
    """The start of a week, UTC, in seconds since 1970."""
    today = datetime.fromtimestamp(time.time(), UTC).date()
    start = today - timedelta(days=today.weekday(), weeks=weeks_ago)
    return datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()


async def generation(
    lifecycle: Lifecycle,
    at: float,
    word: Any = None,
    facts: dict[str, Any] | None = None,
    *,
    hours: float = 1.0,
    project: str = "p",
) -> float | None:
    """Ask at a time and, some hours later, tell what came of it; return what was predicted."""
    lifecycle.clock = lambda: at
    query = GenerationQuery(task_description="Add tea", agent="coder", project=project)
    caller = Caller(project=project, user="ann", session="s")
    said = lifecycle.ask_together(FAMILY, query, caller)["generation_success"]
    if word is not None:
        lifecycle.clock = lambda: at + hours * HOUR
        await lifecycle.tell(
            Tell(decision_id=said.id, verdict=word, facts=facts, source="human"), caller
        )
    predicted: float | None = said.advice.probability
    return predicted


async def test_each_week_says_what_became_of_its_generations(fresh_database: Dsn) -> None:
    async with running(fresh_database, learners()) as lifecycle:
        two, one = monday(2) + HOUR, monday(1) + HOUR
        await generation(lifecycle, two, "success", {"quality": 8, "cost_usd": 0.2}, hours=2)
        await generation(lifecycle, two + 1, "neutral", {"regenerations": 3}, hours=4)
        await generation(lifecycle, two + 2, "failure", {"quality": 4, "cost_usd": 0.4}, hours=9)
        await generation(lifecycle, two + 3)
        await generation(lifecycle, one, "pending", {"seconds": 5})
        await generation(lifecycle, one + 1, "success", project="other")
        await lifecycle.writer.flush(5)
        before, week, later, now = await weekly(lifecycle, 4)
        assert [each.week for each in (before, week, later, now)] == [
            datetime.fromtimestamp(monday(i), UTC).date().isoformat() for i in (3, 2, 1, 0)
        ]
        assert (before.generations, before.told, before.quality) == (0, None, None)
        assert (week.generations, week.told, week.judged) == (4, 0.75, 0.75)
        assert week.unmodified == pytest.approx(1 / 3)
        assert week.quality == 6.0
        assert week.cost_usd == pytest.approx(0.3)
        assert week.regenerations == 1.0  # 0 where nothing else was said
        assert week.seconds_to_approval == pytest.approx(3 * HOUR)
        assert (week.predicted, week.loss, week.accuracy, week.runs) == (0, None, None, 0)
        assert (later.generations, later.told, later.judged, later.unmodified) == (2, 1.0, 0.5, 1.0)
        assert (now.generations, now.judged) == (0, None)
        mine = await weekly(lifecycle, 2, "p")
        assert [each.generations for each in mine] == [1, 0]
        assert (mine[0].judged, mine[0].unmodified) == (0.0, None)


async def test_predictions_are_held_against_the_share_accepted_until_then(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, learners()) as lifecycle:
        start = monday(1) + HOUR
        words = ["success"] * 4 + ["failure", "success", "failure", "failure", "success", "success"]
        scores = list[tuple[float, float, bool]]()
        good = 0
        for i, word in enumerate(words):
            said = await generation(lifecycle, start + 60 * i, word, hours=0.01)
            y, base = word == "success", (good + 0.5) / (i + 1)
            if said is not None:
                scores.append(
                    (
                        -math.log(said if y else 1 - said),
                        -math.log(base if y else 1 - base),
                        (said >= 0.5) == y,
                    )
                )
            good += y
        await lifecycle.writer.flush(5)
        assert len(scores) == 5  # an agent's rate is served from five outcomes on
        (week, _) = await weekly(lifecycle, 2)
        loss, base_loss, hits = (sum(each) / len(scores) for each in zip(*scores, strict=True))
        assert week.predicted == len(scores)
        assert week.loss == pytest.approx(loss)
        assert week.base_loss == pytest.approx(base_loss)
        assert week.accuracy == pytest.approx(hits)


async def test_what_is_measured_of_learning_is_what_was_told(fresh_database: Dsn) -> None:
    async with running(fresh_database, learners()) as lifecycle:
        for i in range(7):
            await generation(lifecycle, monday(1) + i, "failure" if i == 6 else "success")
        await lifecycle.writer.flush(5)
        found = await metrics(lifecycle, 2)
    assert set(found) == {
        "model_performance", "prediction_accuracy", "feature_importance", "data_distribution",
        "kpis",
    }  # fmt: skip
    assert set(found["model_performance"]) == set(FAMILY)
    performance = found["model_performance"]["generation_success"]
    assert performance == {"incumbent": None, "versions": 0, "last_run": None}
    assert found["feature_importance"]["generation_success"] == {}
    (scores,) = found["prediction_accuracy"]["generation_success"]
    assert (scores["n"], scores["answered"]) == (7, pytest.approx(2 / 7))
    assert scores["accuracy"] == 0.5
    assert found["data_distribution"]["generation_success"] == {
        "outcomes": 7,
        "task_type": {"other": 7},
        "language": {},
        "agent": {"coder": 7},
        "model": {},
        "action": {"approve": 6, "reject": 1},
    }
    assert len(found["kpis"]["weeks"]) == 2
    assert found["kpis"]["targets"] == dict(TARGETS)


@pytest.mark.parametrize(
    ("bins", "expected"),
    [
        ({}, None),
        ({9: [4.0, 3.8, 3.0]}, 0.75),
        ({0: [4.0, 0.2, 1.0]}, 0.75),
        ({5: [1.0, 0.5, 1.0], 4: [1.0, 0.4, 0.0]}, 1.0),
    ],
)
def test_accuracy_is_the_share_on_the_right_side_of_one_half(
    bins: dict[int, list[float]], expected: float | None
) -> None:
    account = Account()
    for i, cell in bins.items():
        account.bins[i] = cell
    assert _accuracy(account) == expected
