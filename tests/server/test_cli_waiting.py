"""What is said while a verb waits."""

from datetime import UTC, datetime

import pytest

from server.cli_learn import awaited
from server.cli_waiting import EVERY, Watch


def test_without_a_terminal_news_are_lines_and_the_rest_is_told_rarely(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = iter((0.0, 1.0, EVERY, EVERY + 1, EVERY + 2))
    with Watch(lambda: next(times)) as watch:
        for words in ("tea", "tea", "tea", "tea", "cake"):
            watch.say(words)
    assert capsys.readouterr().err == "foresight: tea\nforesight: tea (30 s)\nforesight: cake\n"


def test_what_is_awaited_is_the_run_before_then_the_own_one() -> None:
    row = {"id": 3, "result": "running", "started_at": datetime(2026, 1, 2, 3, tzinfo=UTC)}
    assert awaited("l", None, 0) == "l: a run is requested"
    assert awaited("l", {**row, "result": "promoted"}, 3) == "l: a run is requested"
    assert awaited("l", row, 3) == (
        "l: waiting for run 3, under way since 2026-01-02 03:00:00+00:00"
    )
    assert awaited("l", row, 2) == "training l, run 3"
