"""One session of another client of the protocol, in an environment of its own.

Called as: python other_clients.py sdk|fastmcp ADDRESS; prints what it saw as JSON. The libraries
are other versions than ours, so their types are unknown here.
"""

import asyncio
import importlib
import json
import sys
from typing import Any

PAIR = {"mixins": ["MixinCaching", "MixinRetry"], "node_type": "EFFECT"}


async def session(client: Any) -> dict[str, Any]:
    """List, ask, tell and read, as both clients name it; the one wraps its lists."""
    listed = await client.list_tools()
    tools = getattr(listed, "tools", listed)
    asked = _data(await client.call_tool("check_mixin_compatibility", PAIR))
    told = {"outcome": "success", "decision_id": asked["decision_id"]}
    joined = _data(await client.call_tool("record_feedback", told))["joined"]
    read = await client.read_resource("foresight://status")
    status = json.loads(getattr(read, "contents", read)[0].text)
    return {
        "tools": [tool.name for tool in tools],
        "source": asked["source"],
        "joined": joined,
        "status": status["join_rate"]["joined"],
    }


def _data(result: Any) -> Any:
    old = getattr(result, "structuredContent", None)
    return result.structured_content if old is None else old


async def sdk(address: str) -> dict[str, Any]:
    """Use version 1 of the Python SDK."""
    http = importlib.import_module("mcp.client.streamable_http")
    mcp = importlib.import_module("mcp")
    async with (
        http.streamablehttp_client(address) as (read, write, _),
        mcp.ClientSession(read, write) as client,
    ):
        shaken = await client.initialize()
        return {"protocol": shaken.protocolVersion, **await session(client)}


async def fastmcp(address: str) -> dict[str, Any]:
    """Use fastmcp."""
    library = importlib.import_module("fastmcp")
    async with library.Client(address) as client:
        return {"protocol": "", **await session(client)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run({"sdk": sdk, "fastmcp": fastmcp}[sys.argv[1]](sys.argv[2]))))
