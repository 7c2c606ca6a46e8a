"""When a run is due, as a table."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


NIGHTLY = replace(POLICY, nightly=2, outcomes=10_000, growth=9.0)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
CHANGES = [  # shortly before clocks are changed: in Berlin twice, New York, Lord Howe
    datetime(2026, 3, 28, 22, tzinfo=UTC),
    datetime(2026, 10, 24, 22, tzinfo=UTC),
    datetime(2026, 11, 1, 4, tzinfo=UTC),
    datetime(2026, 4, 4, 13, tzinfo=UTC),
]


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A zone of the user's machine."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def night_of(at: datetime, hour: int) -> date:
    """The day of the night that a moment belongs to, by what the user's clock shows."""
    return (at.astimezone().replace(tzinfo=None) - timedelta(hours=hour)).date()


steps = st.lists(
    st.tuples(st.integers(1, 3600) | st.integers(1, 9 * 3600), st.integers(0, 2)),
    min_size=1,
    max_size=60,
)  # seconds until the next look, outcomes told meanwhile


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=steps,
    hour=st.integers(1, 3) | st.integers(0, 23),
    start=st.sampled_from(CHANGES),
)
def test_the_nightly_run_comes_once_a_night_and_only_with_new_outcomes(
    zone: str, steps: list[tuple[int, int]], hour: int, start: datetime
) -> None:
    policy = replace(NIGHTLY, nightly=hour)
    last, told, at = replace(JUDGED, finished=start), 1000, start
    nights = [night_of(start, hour)]
    for seconds, new in steps:
        at, told = at + timedelta(seconds=seconds), told + new
        answer = due(policy, Evidence(told, 60), last, revision=1, catalogue=0, at=at)
        fresh = told > last.outcomes
        later = night_of(at, hour) > nights[-1]
        assert answer.now == (fresh and later), (at, answer, nights)
        if answer.now:
            assert answer.reason == f"the nightly run of {hour:02d}:00"
            nights.append(night_of(at, hour))
            last = replace(last, outcomes=told, finished=at)
    assert len(set(nights)) == len(nights)


def test_what_waits_for_the_night_says_so() -> None:
    just = replace(JUDGED, finished=NOW)
    answer = due(NIGHTLY, Evidence(1003, 60), just, revision=1, catalogue=0, at=NOW)
    assert answer.reason.endswith(", or the nightly run of 02:00")
    nothing_new = due(NIGHTLY, Evidence(1000, 60), just, revision=1, catalogue=0, at=NOW)
    assert "nightly" not in nothing_new.reason
    never = replace(NIGHTLY, nightly=None)
    later = NOW + timedelta(days=3)
    assert not due(never, Evidence(1003, 60), just, revision=1, catalogue=0, at=later).now
