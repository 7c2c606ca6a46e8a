"""What is said while a verb waits, how wide a table is printed, and how a figure reads."""

from datetime import UTC, datetime

import pytest

from server.cli_learn import awaited, interval
from server.cli_run import ON_PAPER, print_table
from server.cli_waiting import EVERY, FIRST, Watch, counted


def test_without_a_terminal_news_are_lines_and_the_rest_is_told_rarely(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = iter((0.0, 1.0, EVERY, EVERY + 1, EVERY + 2))
    with Watch(lambda: next(times)) as watch:
        for words in ("tea", "tea", "tea", "tea", "cake"):
            watch.say(words)
    assert capsys.readouterr().err == "foresight: tea\nforesight: tea (30 s)\nforesight: cake\n"


def test_without_a_terminal_progress_is_lines_and_what_is_quick_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = iter((0.0, FIRST - 1, FIRST, FIRST + 1, FIRST + EVERY))
    with counted("l: replaying", 9, lambda: next(times)) as done:
        for number in (2, 4, 6, 8):
            done(number)
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        said.err
        == "foresight: l: replaying, 4 of 9 (2 s)\nforesight: l: replaying, 8 of 9 (32 s)\n"
    )


def test_without_a_terminal_a_table_has_a_bearable_width_and_nothing_is_cut_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stderr", None)
    print_table(("run", "reason"), [(1, "tea " * 60), (2, "x" * 300)])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= ON_PAPER
    assert all(line == line.rstrip() for line in lines)
    assert "".join(lines).count("tea") == 60
    assert "".join(lines).count("x") == 300


def test_a_figure_that_there_cannot_be_is_none() -> None:
    nan, inf = float("nan"), float("inf")
    assert interval((0.5, 0.4321, 0.6)) == "0.500 [0.432, 0.600]"
    assert interval((0.5, -inf, inf)) == "0.500 [none]"
    assert interval((nan, -inf, inf)) == interval((None, None, None)) == "none"


def test_what_is_awaited_is_the_run_before_then_the_own_one() -> None:
    row = {"id": 3, "result": "running", "started_at": datetime(2026, 1, 2, 3, tzinfo=UTC)}
    assert awaited("l", None, 0) == "l: a run is requested"
    assert awaited("l", {**row, "result": "promoted"}, 3) == "l: a run is requested"
    assert awaited("l", row, 3) == (
        "l: waiting for run 3, under way since 2026-01-02 03:00:00+00:00"
    )
    assert awaited("l", row, 2) == "training l, run 3"
