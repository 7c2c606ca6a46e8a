"""The server over a database of the session's cluster, in this process and in others."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mcp import Client
from mcp_types import CallToolResult

from learners.registry import catalog
from server.app import build
from server.settings import Settings, load
from storage.embedded import Dsn

SCRIPT = Path(sys.executable).with_name("foresight")
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing?sslmode=disable"
LEARNERS = ", ".join(catalog())  # as errors name them
PAIR = {"mixins": ["MixinCaching", "MixinRetry"], "node_type": "EFFECT"}


def url_of(dsn: Dsn) -> str:
    """Return how to name a test's database in a URL."""
    host = quote(dsn["host"], safe="")
    return (
        f"postgresql://{dsn['user']}@/{dsn['database']}"
        f"?host={host}&port={dsn['port']}&sslmode=disable"
    )


def settings_for(url: str, directory: Path, **given: Any) -> Settings:
    """Return settings that touch nothing but the given database and directory."""
    chosen = {"worker": "off", "project": "here", "user": "somebody", "session": "s1"} | given
    return load(data_dir=directory, database_url=url, **chosen)


@asynccontextmanager
async def client(settings: Settings, **options: Any) -> AsyncGenerator[Client, None]:
    """Yield a client of a server in this process."""
    async with Client(build(settings), **options) as connected:
        yield connected


def text(result: CallToolResult) -> str:
    """Return the text of a result."""
    (block,) = result.content
    assert block.type == "text"
    return block.text


def environment(url: str, directory: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process that touches nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORESIGHT_")}
    ours = {"FORESIGHT_DATA_DIR": str(directory), "FORESIGHT_WORKER": "off"}
    address = {"FORESIGHT_DATABASE_URL": url} if url else {}
    return {**kept, **ours, **address, "FORESIGHT_PROJECT": "here", "COLUMNS": "200", **more}


def foresight(
    env: Mapping[str, str], *arguments: str, given: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process of its own, in time."""
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env=dict(env),
        cwd=cwd,
        input=given,
        capture_output=True,
        text=True,
        timeout=100,  # a hang and not a busy machine; a test has 120 s
        check=False,
    )
