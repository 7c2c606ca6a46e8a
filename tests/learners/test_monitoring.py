"""When a run is due, as a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from learners.learner import Evidence, Retrain
from learners.monitoring import LastRun, due

NOW = datetime(2026, 1, 31, tzinfo=UTC)
POLICY = Retrain(age=timedelta(days=30), accuracy=0.9, things="pairs")
JUDGED = LastRun(outcomes=1000, finished=NOW - timedelta(days=1), revision=1)
SKIPPED = replace(JUDGED, outcomes=120, skipped=True, missing=300)

CASES = [
    ("nothing was told", None, (0, 0), False, "nothing told yet: the first run at 100 outcomes"),
    ("too little was told", None, (99, 60), False, "99 of 100 new outcomes since the start"),
    ("enough was told", None, (100, 1), True, "100 new outcomes since the start"),
    ("a hundred are new", JUDGED, (1100, 60), True, "100 new outcomes since the last run"),
    ("fewer are new", JUDGED, (1099, 60), False, "99 of 100 new outcomes"),
    ("a short history grew by half", replace(JUDGED, outcomes=100), (150, 60), True, "50 new"),
    (
        "a month went by",
        replace(JUDGED, finished=NOW - timedelta(days=30)),
        (1001, 60),
        True,
        "30 days",
    ),
    (
        "a month without news",
        replace(JUDGED, finished=NOW - timedelta(days=40)),
        (1000, 60),
        False,
        "0 of 100",
    ),
    (
        "the accuracy is low",
        replace(JUDGED, accuracy=0.85),
        (1050, 60),
        True,
        "accuracy 0.850 is under 0.9",
    ),
    ("the accuracy is fine", replace(JUDGED, accuracy=0.95), (1050, 60), False, "50 of 100"),
    ("the features changed", replace(JUDGED, revision=0), (1000, 60), True, "revision 1 after 0"),
    (
        "the catalogue changed",
        replace(JUDGED, catalogue=2),
        (1000, 60),
        True,
        "the catalogue changed: 0 entries added",
    ),
    ("pairs are still missing", SKIPPED, (500, 49), False, "49 of 50 pairs"),
    ("outcomes are still missing", SKIPPED, (299, 60), False, "299 of 300 outcomes"),
    ("what was missing is there", SKIPPED, (300, 60), True, "is there now"),
]


@pytest.mark.parametrize(("case", "last", "told", "now", "words"), CASES, ids=[c[0] for c in CASES])
def test_a_run_is_due(
    case: str, last: LastRun | None, told: tuple[int, int], now: bool, words: str
) -> None:
    answer = due(POLICY, Evidence(*told), last, revision=1, catalogue=0, at=NOW)
    assert (answer.now, words in answer.reason) == (now, True), answer.reason
