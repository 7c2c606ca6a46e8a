"""What is said of a tool, a prompt or a resource that is not there: which ones are."""

from collections.abc import Iterable
from typing import Any

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, GetPromptResult, InputRequiredResult
from pydantic import AnyUrl

from learners.wording import quoted
from tools.context import App

Asked = Context[App, Any] | None


class Explaining(MCPServer[App]):
    """The SDK's server, but for names that it does not know."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Asked = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool by its name."""
        if self._tool_manager.get_tool(name) is None:
            names = [tool.name for tool in self._tool_manager.list_tools()]
            raise ToolError(f"Unknown tool {quoted(name)}; {_known(names)}")
        return await super().call_tool(name, arguments, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Asked = None
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt by its name; the SDK would log an unknown one as a crash."""
        names = [prompt.name for prompt in await self.list_prompts()]
        if name not in names:
            raise MCPError(INVALID_PARAMS, f"Unknown prompt {quoted(name)}; {_known(names)}")
        return await super().get_prompt(name, arguments, context)

    async def read_resource(
        self, uri: AnyUrl | str, context: Asked = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource by its address."""
        try:
            return await super().read_resource(uri, context)
        except ResourceNotFoundError as error:
            if not str(error).startswith("Unknown resource"):
                raise
            there = [str(each.uri) for each in await self.list_resources()]
            there += [each.uri_template for each in await self.list_resource_templates()]
            raise ResourceNotFoundError(
                f"Unknown resource {quoted(str(uri))}; {_known(there)}"
            ) from None


def _known(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"expected one of {listed}" if listed else "there are none"
