"""What the old era has and the new one dropped: logging, sampling, subscriptions."""

import warnings
from typing import Any

import anyio
from everything.content import PAUSE
from mcp import MCPDeprecationWarning
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    EmptyResult,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)


async def _log(ctx: Context[Any], *lines: str) -> None:
    deprecated: Any = ctx
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        for line in lines:
            await deprecated.info(line)
            await anyio.sleep(PAUSE)


async def test_tool_with_logging(ctx: Context[Any]) -> str:
    """Log three times."""
    await _log(ctx, "Tool execution started", "Tool processing data", "Tool execution completed")
    return "logged"


async def test_logging_tool(ctx: Context[Any]) -> str:
    """Log, whoever listens."""
    await _log(ctx, "Nobody may have asked for this")
    return "logged"


async def test_reconnection(ctx: Context[Any]) -> str:
    """Close the stream in the middle."""
    await _log(ctx, "Before disconnect")
    await ctx.close_sse_stream()
    await _log(ctx, "After reconnect")
    return "reconnected"


async def test_sampling(prompt: str, ctx: Context[Any]) -> str:
    """Ask the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    deprecated: Any = ctx.session
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        result = await deprecated.create_message(messages=[message], max_tokens=100)
    words = result.content.text if isinstance(result.content, TextContent) else "no text"
    return f"LLM response: {words}"


async def _acknowledged(_ctx: Any, _params: Any) -> EmptyResult:
    return EmptyResult()


def add(server: MCPServer[Any]) -> None:
    """Register all of it; the SDK has no public way for the three requests."""
    for tool in (test_tool_with_logging, test_logging_tool, test_reconnection, test_sampling):
        server.add_tool(tool)
    untyped: Any = server
    register = untyped._lowlevel_server.add_request_handler
    register("logging/setLevel", SetLevelRequestParams, _acknowledged)
    register("resources/subscribe", SubscribeRequestParams, _acknowledged)
    register("resources/unsubscribe", UnsubscribeRequestParams, _acknowledged)
