"""Streamable HTTP on this machine, in a process of its own."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import Client
from served import PAIR, SCRIPT, environment, foresight, url_of

from server.http import listen
from server.settings import WrongSetting
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio


@contextmanager
def serving(
    url: str, directory: Path, *options: str
) -> Generator[tuple[str, subprocess.Popen[str]], None, None]:
    """Yield the address of a server and its process."""
    process = subprocess.Popen(
        [str(SCRIPT), "serve", "--http", "--port", "0", *options],
        env=environment(url, directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        yield process.stderr.readline().split()[-1], process
    finally:
        process.kill()
        process.communicate()


def health(address: str) -> dict[str, str]:
    """Return what the server says of itself, once it answers."""
    until = time.monotonic() + 10
    while True:
        try:
            answer = urllib.request.urlopen(address.replace("/mcp", "/healthz"), timeout=5)  # noqa: S310
            break
        except urllib.error.URLError:
            assert time.monotonic() < until
    with answer:
        found: dict[str, str] = json.load(answer)
    return found


async def test_tools_are_served_over_http_and_a_signal_ends_it(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    with serving(url_of(fresh_database), tmp_path) as (address, process):
        health(address)
        async with Client(address) as asked:
            result = await asked.call_tool("check_mixin_compatibility", PAIR)
            assert result.structured_content["source"] == "rules"
        assert health(address) == {"status": "ok", "database": "ready"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_requests_for_other_hosts_and_from_other_origins_are_refused(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    with serving(url_of(fresh_database), tmp_path) as (address, _):
        health(address)
        for header, code in (
            ({"Host": "evil.example"}, 421),
            ({"Origin": "http://evil.example"}, 403),
        ):
            request = urllib.request.Request(  # noqa: S310 - of our own server
                address,
                data=b"{}",
                headers={"Content-Type": "application/json", **header},
            )
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request, timeout=5)  # noqa: S310
            assert caught.value.code == code
            caught.value.close()


def test_a_taken_port_moves_to_the_next_free_one() -> None:
    first = listen("127.0.0.1", 0)
    taken = first.getsockname()[1]
    second = listen("127.0.0.1", taken)
    assert second.getsockname()[1] > taken
    first.close()
    second.close()


def test_a_host_of_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="this machine only"):
        listen("0.0.0.0", 0)
    done = foresight(environment("", tmp_path), "serve", "--http", "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "listens on this machine only" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_welcome_shows_how_to_connect_and_a_live_answer(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    with serving(url_of(fresh_database), tmp_path, "--welcome") as (address, process):
        assert process.stdout is not None
        lines = list[str]()
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert process.poll() is None
        shown = "".join(lines)
    assert address in shown
    assert str(SCRIPT) in shown
    assert "inspector" in shown
    assert "source rules, n = 0" in shown
    assert "foresight import mixins" in shown
    env = environment(url_of(fresh_database), tmp_path)
    assert json.loads(foresight(env, "export", "decisions", "--json").stdout) == []
