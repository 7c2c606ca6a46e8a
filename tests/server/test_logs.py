"""Logs go to stderr and the file, as JSON, and never to stdout."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, sys
from pathlib import Path
import structlog
from server.logs import configure, route
if sys.argv[1] in ("configured", "people"):
    configure("info", Path(sys.argv[2]), people=sys.argv[1] == "people")
else:
    route()
if sys.argv[1] == "people":
    structlog.get_logger("foresight.test").info("for your information")
structlog.get_logger("foresight.test").warning("ours", learner="tea")
logging.getLogger("theirs").warning("a library %s", "says")
logging.getLogger("mcp.server").info("noise")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("foresight.test").exception("broken")
"""


def run(mode: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, mode, str(directory)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )


def test_our_logs_and_those_of_libraries_are_json_on_stderr_and_in_the_file(tmp_path: Path) -> None:
    done = run("configured", tmp_path)
    assert done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["ours", "a library says", "broken"]
    assert lines[0]["learner"] == "tea"
    assert {"level", "logger", "timestamp"} <= set(lines[1])
    assert "ZeroDivisionError" in lines[2]["exception"]
    written = (tmp_path / "foresight.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in written] == [line["event"] for line in lines]


def test_people_are_shown_plain_lines_and_the_file_has_everything(tmp_path: Path) -> None:
    done = run("people", tmp_path)
    assert "a library says" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "{" not in done.stderr
    assert "for your information" not in done.stderr
    written = (tmp_path / "foresight.log").read_text().splitlines()
    events = [json.loads(line)["event"] for line in written]
    assert events == ["for your information", "ours", "a library says", "broken"]


def test_without_configuration_nothing_is_written_to_stdout(tmp_path: Path) -> None:
    done = run("routed", tmp_path)
    assert done.stdout == ""
    assert "ours" in done.stderr


def test_a_directory_that_cannot_be_written_is_said_and_survived(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    done = run("configured", occupied / "logs")
    assert done.stderr.startswith("no log file in")
    assert "ours" in done.stderr
