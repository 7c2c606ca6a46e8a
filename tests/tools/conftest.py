"""A client of a server over a fresh database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client
from served import client, settings_for, url_of

from storage.embedded import Dsn


@pytest.fixture
async def asked(anyio_backend: str, fresh_database: Dsn, tmp_path: Path) -> AsyncIterator[Client]:
    """A client that may call every tool."""
    settings = settings_for(url_of(fresh_database), tmp_path, toolsets="advise,feedback,admin")
    async with client(settings) as connected:
        yield connected
