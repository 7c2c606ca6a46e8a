"""Whatever comes in on standard input, the process goes on answering."""

import json
from pathlib import Path
from typing import Any

import pytest
import wild
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import PAIR, environment, url_of
from wire import Wire

from storage.embedded import Dsn
from tools.surface import TOOLSETS, tools

SCHEMAS = {tool.name: tool.parameters for tool in tools(TOOLSETS)}
METHODS = (
    "tools/call", "tools/list", "resources/read", "resources/list", "completion/complete",
    "prompts/get", "initialize", "ping", "server/discover", "logging/setLevel", "no/such",
    "notifications/cancelled", "notifications/initialized", "resources/subscribe", "",
)  # fmt: skip

identifiers = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(-3, 999), st.text(max_size=5), wild.values
)
calls = st.sampled_from(sorted(SCHEMAS)).flatmap(
    lambda name: st.fixed_dictionaries(
        {"name": st.just(name) | wild.texts, "arguments": wild.arguments(SCHEMAS[name])},
        optional={"_meta": wild.values},
    )
)
references = st.fixed_dictionaries(
    {
        "ref": st.fixed_dictionaries(
            {"type": st.sampled_from(("ref/resource", "ref/prompt", "x")), "uri": wild.texts}
        ),
        "argument": st.fixed_dictionaries({"name": wild.texts, "value": wild.values}),
    }
)
messages = st.fixed_dictionaries(
    {"jsonrpc": st.sampled_from(("2.0", "2.0", "2.0", "1.0", 2, None))},
    optional={
        "id": identifiers,
        "method": st.sampled_from(METHODS) | wild.values,
        "params": calls | references | st.fixed_dictionaries({"uri": wild.texts}) | wild.values,
        "result": wild.values,
        "error": wild.values,
    },
)
whole = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0"),
        "id": st.integers(1, 999),
        "method": st.sampled_from(METHODS),
        "params": calls | references | st.fixed_dictionaries({"uri": wild.texts}),
    }
)
SPECIAL = (
    b"",
    b" ",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe\x00",
    b"null",
    b"NaN",
    b"1e400",
    b"[]",
    b"{" * 100_000,
    b"[" * 5_000 + b"]" * 5_000,
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
    + b'{"a":' * 3000
    + b"1"
    + b"}" * 3001,
    b'{"jsonrpc":"2.0","id":5,"id":6,"method":"ping","method":"tools/list"}',
    b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"learning_status",'
    b'"arguments":{"\\ud800":1,"learner":"\\udfff"}}}',
    b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}',
    b'{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"record_feedback",'
    b'"arguments":{"outcome":"success","facts":{"success":NaN,"failure":' + b"9" * 9000 + b"}}}}",
    b'{"jsonrpc":"2.0","id":9,"method":"' + b"x" * 2_000_000 + b'"}',
    b'{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"' + b"y" * 200_000 + b'"}}',
    b'[{"jsonrpc":"2.0","id":11,"method":"ping"}]',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1000001}}',
)


def line(message: Any) -> bytes:
    """Return a message as some client would write it: NaN, escapes and all."""
    return json.dumps(message).encode()


def cut(data: bytes, where: int) -> bytes:
    """Return a line that ends too early."""
    return data[: where % (len(data) + 1)]


lines = st.one_of(
    whole.map(line),
    whole.map(line),
    messages.map(line),
    wild.values.map(line),
    st.builds(cut, whole.map(line), st.integers(0, 400)),
    st.sampled_from(SPECIAL),
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ")),
)


def survives(fresh_database: Dsn, tmp_path: Path, options: settings) -> None:
    """Send lines to one process, with a question after each; then look at what it logged."""
    env = environment(url_of(fresh_database), tmp_path, FORESIGHT_LOG_LEVEL="debug")
    with Wire(env, tmp_path, "--toolsets", ",".join(TOOLSETS)) as wire:
        wire.initialize()
        wire.number = 1_000_000  # none of the ids that are made up

        @options
        @given(data=lines)
        def one(data: bytes) -> None:
            wire.write(data + b"\n")
            found = wire.request("tools/list")
            assert len(found["tools"]) == len(SCHEMAS)

        one()
        found = wire.call("check_mixin_compatibility", **PAIR)
        assert not found.get("isError"), found
        logged = wire.said()
        assert wire.process.poll() is None
    for secret in wild.TELLTALE:
        assert secret not in logged
    entries = [json.loads(each) for each in logged.splitlines()]
    crashes = [each for each in entries if "exception" in each or each["level"] == "error"]
    assert crashes == []


CALM: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def test_a_process_survives_malformed_lines(fresh_database: Dsn, tmp_path: Path) -> None:
    survives(fresh_database, tmp_path, settings(max_examples=200, derandomize=True, **CALM))


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_a_process_survives_thousands_of_malformed_lines(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    survives(fresh_database, tmp_path, settings(max_examples=5000, **CALM))
