"""The MCP Inspector's own judgement of what we list, in both eras of the protocol."""

import json
from pathlib import Path

import pytest
from outside import Node
from served import SCRIPT

from tools.surface import TOOLS

INSPECTOR = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"


@pytest.mark.timeout(500)
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_inspector_finds_nothing_to_complain_of_in_our_tools(
    node: Node, env: dict[str, str], tmp_path: Path, era: str
) -> None:
    ours = [f"{name}={value}" for name, value in env.items() if name.startswith("FORESIGHT_")]
    server = ["--cli", str(SCRIPT), "serve", *(word for each in ours for word in ("-e", each))]
    look = ["--method", "tools/list", "--strict", "--format", "json", "--protocol-era", era]
    done = node.run(INSPECTOR, *server, *look, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.casefold()
    listed = json.loads(done.stdout)
    tools = listed.get("result", listed)["tools"]
    assert len(tools) == len(TOOLS)
