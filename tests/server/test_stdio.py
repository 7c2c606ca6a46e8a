"""The server as hosts start it: a process over stdin and stdout."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import NOWHERE, PAIR, environment, foresight, url_of
from wire import Wire

from storage.embedded import Dsn, stop
from tools.surface import TOOLS

LEARNER = "mixin_compatibility"
DECOYS = ("server", "tools", "learners", "storage", "models", "mcp", "numpy")


def end_of_input(wire: Wire) -> None:
    assert wire.process.stdin is not None
    wire.process.stdin.close()


def terminated(wire: Wire) -> None:
    wire.process.send_signal(signal.SIGTERM)


def interrupted(wire: Wire) -> None:
    wire.process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("leave", [end_of_input, terminated, interrupted])
def test_every_way_to_leave_is_quick_and_keeps_what_was_said(
    fresh_database: Dsn, tmp_path: Path, leave: Callable[[Wire], None]
) -> None:
    env = environment(url_of(fresh_database), tmp_path, FORESIGHT_WORKER="inline")
    with Wire(env, tmp_path) as wire:
        wire.initialize()
        answer = wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]
        start = time.monotonic()
        leave(wire)
        assert wire.process.wait(5) == 0
        assert time.monotonic() - start < 2
    exported = json.loads(foresight(env, "export", "decisions", "--json").stdout)
    assert [row["id"] for row in exported] == [answer["decision_id"]]


@pytest.mark.parametrize("leave", [end_of_input, terminated, interrupted])
def test_leaving_before_the_database_is_there_is_quick_too(
    tmp_path: Path, leave: Callable[[Wire], None]
) -> None:
    with Wire(environment(NOWHERE, tmp_path), tmp_path) as wire:
        wire.initialize()
        start = time.monotonic()
        leave(wire)
        assert wire.process.wait(5) == 0
        assert time.monotonic() - start < 2


def test_the_first_reply_comes_before_any_import_of_learning_or_database(tmp_path: Path) -> None:
    late = "structlog|numpy|asyncpg|onnxruntime|sklearn|learners.lifecycle|learners.catalog"
    env = environment(NOWHERE, tmp_path, PYTHONPROFILEIMPORTTIME="1")
    with Wire(env, tmp_path) as wire:
        wire.initialize()
        imported = [line.rpartition("|")[2].strip() for line in wire.said().splitlines()]
        assert "mcp.server.mcpserver" in imported
        assert not [name for name in imported if name in late.split("|")]


def test_nothing_but_the_protocol_is_on_stdout_and_logs_are_json(tmp_path: Path) -> None:
    env = environment(NOWHERE, tmp_path)
    with Wire(env, tmp_path) as wire:
        wire.initialize()
        wire.call("check_mixin_compatibility", **PAIR)  # every line is checked on the way
        end_of_input(wire)
        wire.process.wait(5)
        lines = [json.loads(line) for line in wire.said().splitlines()]
    assert any(line["event"] == "database not available" for line in lines)
    written = (tmp_path / "logs" / "foresight.log").read_text()
    events = [json.loads(line)["event"] for line in written.splitlines()]
    assert events == [line["event"] for line in lines]


def test_packages_in_the_working_directory_do_not_shadow_ours(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    for name in DECOYS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a decoy was imported')")
    with Wire(environment(url_of(fresh_database), tmp_path), tmp_path) as wire:
        wire.initialize()
        assert wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]


@pytest.fixture
def own_directory(tmp_path: Path) -> Iterator[Path]:
    """A data directory with an embedded database of its own."""
    directory = tmp_path / "data"
    yield directory
    stop(directory / "postgres")


@pytest.mark.timeout(120)
def test_from_an_empty_directory_to_an_answer_that_learned(
    own_directory: Path, tmp_path: Path
) -> None:
    env = environment("", own_directory)
    with Wire(env, tmp_path, "--toolsets", "advise,feedback,admin") as wire:
        assert wire.initialize()["serverInfo"]["name"] == "foresight"
        tools = [tool["name"] for tool in wire.request("tools/list")["tools"]]
        assert len(tools) == len(TOOLS)
        # may be degraded: the database is being made
        assert wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]["n"] == 0
        until = time.monotonic() + 30
        while wire.call("learning_status")["structuredContent"]["database"] != "ready":
            assert time.monotonic() < until
        for _ in range(6):
            told = wire.call("record_feedback", outcome="failure", learner=LEARNER, facts=PAIR)
            assert told["structuredContent"]["effect"] == "fact"
        end_of_input(wire)
        assert wire.process.wait(5) == 0
    with Wire(env, tmp_path) as wire:
        wire.initialize()
        answer = wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]
        assert (answer["source"], answer["n"]) == ("observed", 6)


def children(parent: int, words: str) -> list[int]:
    """Return the processes that a process started and whose command holds the words."""
    found = list[int]()
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            continue
        if int(fields[1]) == parent and words in command:
            found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_a_training_child_ends_with_its_server(fresh_database: Dsn, tmp_path: Path) -> None:
    env = environment(url_of(fresh_database), tmp_path)
    rows = "".join(f"M{i % 20},N{i // 20},EFFECT,{i % 5},2\n" for i in range(400))
    header = "mixin_a,mixin_b,node_type,success_count,failure_count\n"
    done = foresight(env, "import", "mixins", "-", "--train", given=header + rows)
    assert done.returncode == 0, done.stderr
    with Wire({**env, "FORESIGHT_WORKER": "inline"}, tmp_path) as wire:
        wire.initialize()
        until = time.monotonic() + 30
        while not (training := children(wire.process.pid, "learners.trainer")):
            assert time.monotonic() < until, wire.said()
        terminated(wire)
        assert wire.process.wait(5) == 0
        until = time.monotonic() + 2
        while any(Path(f"/proc/{each}").exists() for each in training):
            assert time.monotonic() < until
