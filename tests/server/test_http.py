"""Streamable HTTP on this machine, in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from asked import ask, serving, until
from mcp import Client
from served import PAIR, SCRIPT, environment, foresight, url_of

from server import tokens
from server.http import accepted, listen, needs_token, remote
from server.settings import WrongSetting, load
from storage.embedded import Dsn, Lease

pytestmark = pytest.mark.anyio


async def test_tools_are_served_over_http_and_a_signal_ends_it(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    with serving(environment(url_of(fresh_database), tmp_path)) as (address, process):
        until(address, "/readyz", 200)
        async with Client(address) as asked:
            result = await asked.call_tool("check_mixin_compatibility", PAIR)
            assert result.structured_content["source"] == "rules"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_on_this_machine_tokens_are_optional_but_a_wrong_one_is_refused(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    env = environment(url_of(fresh_database), tmp_path)
    with serving(env) as (address, _):
        until(address, "/healthz", 200)
        good = tokens.add(tmp_path, "ann", ["advise"])[0]
        for token, status in (("", 400), (good, 400), ("fst_wrong", 401)):
            assert ask(address, token=token).status == status  # 400: an empty body is no request
        for headers, status in (
            ({"Host": "rebound.example"}, 421),
            ({"Host": "localhost.rebound.example"}, 421),
            ({"Origin": "http://rebound.example"}, 403),
        ):
            assert ask(address, headers=headers).status == status
        (tmp_path / tokens.FILE).chmod(0o666)
        assert ask(address, token=good).status == 401  # others could have written it


@asynccontextmanager
async def closed(lease: Lease, name: str) -> AsyncGenerator[None, None]:
    """Throw everybody out of a database and let nobody in meanwhile."""
    superuser = await asyncpg.connect(**lease.dsn)
    try:
        await superuser.execute(f"alter database {name} allow_connections false")
        await superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
        )
        yield
    finally:
        await superuser.execute(f"alter database {name} allow_connections true")
        await superuser.close()


async def test_readiness_follows_the_database_and_names_the_reason_without_secrets(
    database: Lease, fresh_database: Dsn, tmp_path: Path
) -> None:
    url = url_of(fresh_database)
    secret = url.replace("@", ":hunter2hunter2@", 1)
    with serving(environment(secret, tmp_path)) as (address, _):
        until(address, "/readyz", 200)
        async with closed(database, fresh_database["database"]):
            said = list[str]()
            deadline = time.monotonic() + 20
            while not said or "is not currently accepting connections" not in said[-1]:
                assert time.monotonic() < deadline, said
                said.append(json.loads(until(address, "/readyz", 503).text)["reason"])
            assert "hunter2" not in "".join(said)
            health = json.loads(until(address, "/healthz", 200).text)
            assert health["status"] == "degraded"
            assert "hunter2" not in health["database"]
        until(address, "/readyz", 200)


def test_stdio_pays_nothing_for_http() -> None:
    code = (
        "import sys, server.cli, server.app, server.stdio\n"
        "ours = {'http', 'guard', 'health', 'rates', 'rest', 'tokens'}\n"
        "print({f'server.{name}' for name in ours} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout == "set()\n", done.stderr


def test_a_taken_port_moves_to_the_next_free_one() -> None:
    first = listen("127.0.0.1", 0)
    taken = first.getsockname()[1]
    second = listen("127.0.0.1", taken)
    assert second.getsockname()[1] > taken
    first.close()
    second.close()


def test_whoever_must_show_a_token_is_not_served_before_there_is_one(tmp_path: Path) -> None:
    tokens.add(tmp_path, "past", ["advise"], 1e-9)
    for given, name in (
        ({"http_allowed_hosts": ("advice.example",)}, "HOST"),
        ({"http_auth": "always"}, "AUTH"),
    ):
        with pytest.raises(
            WrongSetting, match=f"^FORESIGHT_HTTP_{name}: expected a token, because"
        ):
            accepted(load(data_dir=tmp_path, **given))
    done = foresight(environment("", tmp_path), "serve", "--http", "--host", "0.0.0.0")
    assert done.returncode == 2
    assert done.stderr == (
        "foresight: FORESIGHT_HTTP_HOST: expected a token, because not everybody who reaches this "
        "server may use it; make one with `foresight token add NAME --scopes advise,feedback`\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(WrongSetting, match="FORESIGHT_HTTP_HOST: expected an address of this"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("given", "others", "needed"),
    [
        ({}, False, False),
        ({"http_host": "::1"}, False, False),
        ({"http_host": "0.0.0.0"}, True, True),
        ({"http_host": "127.0.0.1", "http_allowed_hosts": ("advice.example",)}, True, True),
        ({"http_allowed_hosts": ("localhost",)}, False, False),
        ({"http_auth": "always"}, False, True),
    ],
)
def test_a_proxy_in_front_counts_as_others(
    given: dict[str, Any], others: bool, needed: bool
) -> None:
    settings = load(**given)
    assert (remote(settings), needs_token(settings)) == (others, needed)


def test_the_welcome_shows_how_to_connect_and_a_live_answer(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    with serving(environment(url_of(fresh_database), tmp_path), "--welcome") as (address, process):
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
