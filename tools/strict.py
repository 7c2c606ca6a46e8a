"""A tool that refuses unknown arguments, explains itself in one line and renders its own result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from learners.errors import LearnerError
from learners.wording import problems
from tools.answers import Answer
from tools.context import called
from tools.errors import in_words

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context


class StrictTool(Tool):
    """The SDK's tool with a closed input schema and errors that a model can act on."""

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        """Run the tool; return a complete text and complete structured content.

        Raises:
            ToolError: What the caller can correct or repeat, in one line.
            UnexpectedToolError: A crash; its text stays in the log.
        """
        try:
            given = self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            raise ToolError(self.wrong(error)) from error
        try:
            answer: Answer = await self.fn(**given, call=await called(context))
            return rendered(answer) if convert_result else answer
        except LearnerError as error:
            raise ToolError(in_words(error)) from error
        except (ToolError, MCPError):
            raise
        except Exception as error:
            raise UnexpectedToolError(f"Error executing tool {self.name}") from error

    def wrong(self, error: ValidationError) -> str:
        """Return what is wrong with arguments, in one line."""
        what = "; ".join(problems(error, unknown="is not an argument"))
        accepted = ", ".join(self.fn_metadata.arg_model.model_fields)
        return f"Wrong arguments for {self.name}: {what}. Accepted: {accepted}."


def rendered(answer: Answer) -> CallToolResult:
    """Return an answer as both channels of a result: hosts show a model one or the other."""
    return CallToolResult(
        content=[TextContent(type="text", text=answer.words())],
        structured_content=answer.model_dump(mode="json"),
        _meta=answer.meta() or None,
    )


def strict(function: Callable[..., Any], title: str, hints: ToolAnnotations) -> StrictTool:
    """Return a function as a tool; its docstring is the description."""
    tool = cast(  # the SDK's annotation says less than it returns
        StrictTool,
        StrictTool.from_function(function, title=title, annotations=hints, structured_output=True),
    )
    metadata = tool.fn_metadata
    metadata.arg_model.model_config["extra"] = "forbid"
    metadata.arg_model.model_rebuild(force=True)
    tool.parameters = untitled(metadata.arg_model.model_json_schema(by_alias=True))
    if metadata.output_schema is not None:
        metadata.output_schema = short(untitled(metadata.output_schema))
    tool.description = " ".join(tool.description.split())
    return tool


def short(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an output schema whose parts are named and typed, without a word about each.

    Every listing carries it, and every result is complete: what is required goes without saying.
    """
    schema.pop("required", None)
    for part in schema.get("$defs", {}).values():
        part.pop("required", None)
        for field in part.get("properties", {}).values():
            field.pop("description", None)
            field.pop("default", None)
    return schema


def untitled(schema: Any) -> Any:
    """Return a JSON schema without the titles and class docstrings that pydantic adds."""
    if isinstance(schema, list):
        return [untitled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            kept[key] = {name: untitled(inner) for name, inner in value.items()}
        elif key != "title" and not (key == "description" and "properties" in schema):
            kept[key] = untitled(value)
    return kept
