"""Whatever a caller sends, a tool answers, or says in one line which field is wrong."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import structlog
import wild
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult
from served import PAIR, client, settings_for, text, url_of

from learners.wording import named
from server.logs import NAME, configure
from storage import decisions
from storage.database import open_database
from storage.embedded import Dsn
from tools.surface import TOOLSETS, tools

LONGEST = 1000  # characters of an error
SCHEMAS = {tool.name: tool for tool in tools(TOOLSETS)}
Calls = st.one_of(
    [
        st.tuples(st.just(name), wild.arguments(tool.parameters))
        for name, tool in SCHEMAS.items()
        # what has most arguments has most to get wrong
        for _ in range(len(tool.parameters["properties"]))
    ]
)


@dataclass(frozen=True)
class Served:
    """One server over one database, for all cases."""

    portal: BlockingPortal
    client: Client
    log: Path

    def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        result: CallToolResult = self.portal.call(self.client.call_tool, tool, arguments)
        return result


@pytest.fixture
def served(fresh_database: Dsn, tmp_path: Path) -> Iterator[Served]:
    """A server that logs everything it may, as `serve` does."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure("debug", tmp_path)
    structlog.configure(cache_logger_on_first_use=False)  # else later tests would log here, too
    chosen = settings_for(url_of(fresh_database), tmp_path, toolsets=",".join(TOOLSETS))
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(client(chosen)) as connected,
    ):
        yield Served(portal, connected, tmp_path / NAME)
    for handler in root.handlers[:]:
        handler.close()
        root.removeHandler(handler)
    for handler in before[0]:
        root.addHandler(handler)
    root.setLevel(before[1])
    structlog.reset_defaults()


def check(served: Served, tool: str, arguments: dict[str, Any]) -> None:
    """The law for one call."""
    result = served.call(tool, arguments)
    said = text(result)
    said.encode()  # else the transport could not send it
    if not result.is_error:
        jsonschema.validate(result.structured_content, SCHEMAS[tool].output_schema or {})
        json.dumps(result.structured_content, allow_nan=False).encode()
        return
    assert not said.startswith("Error executing tool"), said
    assert "\n" not in said
    assert len(said) <= LONGEST, len(said)
    for hint in ("Traceback", "pydantic", "errors.pydantic.dev", "validation error"):
        assert hint not in said
    for secret in wild.TELLTALE:
        assert secret not in said
    what = said.removeprefix(f"Wrong arguments for {tool}: ")
    fields = [named(key) for key in (*SCHEMAS[tool].parameters["properties"], *arguments)]
    assert any(what.startswith((f"{each}:", f"{each}.")) for each in (*fields, "version")), said


def afterwards(served: Served, stored: list[Any]) -> None:
    """The law for all calls together."""
    result = served.call("check_mixin_compatibility", PAIR)
    assert not result.is_error, text(result)
    status = served.call("learning_status", {})
    assert not any(each["problems"] for each in status.structured_content["learners"])
    lines = [json.loads(line) for line in served.log.read_text("utf-8").splitlines()]
    assert lines
    assert [line for line in lines if "exception" in line or line["level"] == "error"] == []
    log = served.log.read_text("utf-8")
    kept = [json.dumps([row["notes"], row["outcome"]], ensure_ascii=False) for row in stored]
    for secret in wild.TELLTALE:
        assert secret not in log
        assert [each for each in kept if secret in each] == []


def fuzzed(served: Served, url: str, tmp_path: Path, options: settings) -> None:
    """Call the tools with everything there is, then look at what it left behind."""

    @options
    @given(call=Calls)
    def one(call: tuple[str, dict[str, Any]]) -> None:
        check(served, *call)

    one()

    async def stored() -> list[Any]:
        database = await open_database(settings_for(url, tmp_path).where())
        try:
            return await database.run(decisions.export_outcomes)
        finally:
            await database.close()

    rows = served.portal.call(stored)
    assert rows, "no call was right"
    afterwards(served, rows)


CALM = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def test_whatever_is_sent_is_answered_or_explained_in_one_line(
    served: Served, fresh_database: Dsn, tmp_path: Path
) -> None:
    options = settings(max_examples=1000, derandomize=True, **CALM)  # type: ignore[arg-type]
    fuzzed(served, url_of(fresh_database), tmp_path, options)


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_whatever_is_sent_in_ten_thousand_other_ways_is_too(
    served: Served, fresh_database: Dsn, tmp_path: Path
) -> None:
    options = settings(max_examples=10_000, **CALM)  # type: ignore[arg-type]
    fuzzed(served, url_of(fresh_database), tmp_path, options)
