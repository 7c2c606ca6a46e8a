"""Real clients, one session each: connect, list, ask, tell, read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client, StdioServerParameters
from outside import Node, made, process
from served import PAIR, SCRIPT

HERE = Path(__file__).parent
DEFAULT = [
    "check_mixin_compatibility",
    "recommend_mixins",
    "predict_generation_success",
    "rank_templates",
    "record_feedback",
    "learning_status",
]
ADMIN = ["train", "promote", "roll_back"]
NEW, OLD = "2026-07-28", "2025-11-25"
SERVE = (SCRIPT, "serve", "--http", "--port", "0")


def check(seen: dict[str, Any], protocol: str) -> None:
    """Compare what a client saw with what was there."""
    assert seen == {
        "protocol": protocol,
        "tools": DEFAULT + ADMIN,
        "source": "rules",
        "joined": True,
        "status": 1,
    }


async def session(client: Client) -> dict[str, Any]:
    """Use our own SDK's client."""
    listed = await client.list_tools()
    asked = await client.call_tool("check_mixin_compatibility", PAIR)
    told = {"outcome": "success", "decision_id": asked.structured_content["decision_id"]}
    joined = await client.call_tool("record_feedback", told)
    (status,) = (await client.read_resource("foresight://status")).contents
    return {
        "protocol": client.protocol_version,
        "tools": [tool.name for tool in listed.tools],
        "source": asked.structured_content["source"],
        "joined": joined.structured_content["joined"],
        "status": json.loads(status.text)["join_rate"]["joined"],  # type: ignore[union-attr] # a text
    }


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "protocol"), [("auto", NEW), ("legacy", OLD)])
async def test_our_sdk_over_stdio(
    env: dict[str, str], mode: Literal["auto", "legacy"], protocol: str
) -> None:
    server = StdioServerParameters(command=str(SCRIPT), args=["serve"], env=env)
    async with Client(server, mode=mode) as client:
        check(await session(client), protocol)


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "protocol"), [("auto", NEW), ("legacy", OLD)])
async def test_our_sdk_over_http(
    env: dict[str, str], tmp_path: Path, mode: Literal["auto", "legacy"], protocol: str
) -> None:
    with process(*SERVE, env=env, log=tmp_path / "log") as address:
        async with Client(address, mode=mode) as client:
            check(await session(client), protocol)


@pytest.mark.heavy
@pytest.mark.timeout(500)
@pytest.mark.parametrize(
    ("name", "package", "protocol"),
    [("sdk", "mcp==1.30.0", OLD), ("fastmcp", "fastmcp==4.1.2", "")],
)
def test_other_python_clients(
    env: dict[str, str], tmp_path: Path, name: str, package: str, protocol: str
) -> None:
    commands = (
        [sys.executable, "-m", "venv", "--without-pip", "."],
        [sys.executable, "-m", "pip", "--python", "bin/python", "install", "-q", package],
    )
    python = made(name, f"{package} {sys.version}", *commands) / "bin" / "python"
    with process(*SERVE, env=env, log=tmp_path / "log") as address:
        done = subprocess.run(
            [python, HERE / "other_clients.py", name, address],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout), protocol)


@pytest.mark.heavy
@pytest.mark.timeout(500)
def test_the_typescript_client(node: Node, env: dict[str, str], tmp_path: Path) -> None:
    script = (HERE / "client.mjs").read_text("utf-8")
    with process(*SERVE, env=env, log=tmp_path / "log") as address:
        done = node.run("--input-type=module", "-", address, given=script, home=tmp_path)
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout), NEW)
