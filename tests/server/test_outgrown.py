"""An old program beside a new schema: it goes on while it can, and then says what to do."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served import PAIR, environment, url_of
from wire import Wire

from storage.embedded import Dsn
from storage.migrations import DIRECTORY, migrate, read
from storage.pool import connection, embedded

pytestmark = pytest.mark.anyio
LEARNER = "mixin_compatibility"
Newer = Callable[[str], Any]


@pytest.fixture
def newer(fresh_database: Dsn, tmp_path: Path) -> Newer:
    """Change the schema as a newer program would that comes with one migration more."""
    directory = tmp_path / "migrations"
    shutil.copytree(DIRECTORY, directory)

    async def apply(sql: str) -> None:
        number = len(read(directory)) + 1
        (directory / f"{number:04}_newer.sql").write_text(sql)
        async with connection(embedded(fresh_database)) as opened:
            assert await migrate(opened, directory) == number

    return apply


def ask(wire: Wire) -> dict[str, Any]:
    answer: dict[str, Any] = wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]
    return answer


def tell(wire: Wire) -> dict[str, Any]:
    return wire.call("record_feedback", outcome="failure", learner=LEARNER, facts=PAIR)


async def test_a_running_server_goes_on_until_the_schema_has_outgrown_it(
    fresh_database: Dsn, tmp_path: Path, newer: Newer
) -> None:
    with Wire(environment(url_of(fresh_database), tmp_path), tmp_path) as wire:
        wire.initialize()
        assert tell(wire)["structuredContent"]["effect"] == "fact"

        await newer(f"-- serves: {len(read()):04}\nalter table events add column added text")
        assert tell(wire)["structuredContent"]["effect"] == "fact"
        assert not ask(wire)["degraded"]

        # the statements of the old program would still work, but no longer mean the same
        await newer("comment on column events.strength is 'another scale'")
        refused = tell(wire)
        assert refused["isError"]
        (said,) = refused["content"]
        assert "not stored" in said["text"]
        assert "Restart this process" in said["text"]
        until = time.monotonic() + 5
        while not (answer := ask(wire))["degraded"]:
            assert time.monotonic() < until
        assert "Restart this process" in answer["warnings"][0]

        await newer("alter table events rename column outcome to result")
        assert tell(wire)["isError"]
        assert ask(wire)["n"] == answer["n"]
        state = wire.call("learning_status")["structuredContent"]
        assert f"this one knows {len(read())}" in state["database"]
        told = {each["learner"]: each["n"] for each in state["learners"]}
        assert told["mixin_compatibility"] == 2
        assert wire.process.poll() is None
    async with connection(embedded(fresh_database)) as opened:
        assert await opened.fetchval("select count(*) from events") == 2


async def test_a_program_that_starts_beside_a_schema_too_new_for_it_says_so(
    fresh_database: Dsn, tmp_path: Path, newer: Newer
) -> None:
    await newer("create table later ()")
    with Wire(environment(url_of(fresh_database), tmp_path), tmp_path) as wire:
        wire.initialize()
        until = time.monotonic() + 10
        while "update Foresight" not in (answer := ask(wire))["warnings"][0]:
            assert time.monotonic() < until
        assert answer["source"] == "rules"
        assert "update Foresight" in tell(wire)["content"][0]["text"]
