"""Tools, resources and prompts with every kind of content."""

import base64
import json
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

PIXEL = (  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="  # a WAV of one sample
PAUSE = 0.05  # seconds between two signs of life, as the suite asks


def text(words: str) -> TextContent:
    """Return a text block."""
    return TextContent(type="text", text=words)


def embedded(uri: str, words: str, mime: str = "text/plain") -> EmbeddedResource:
    """Return a resource block."""
    contents = TextResourceContents(uri=uri, mime_type=mime, text=words)
    return EmbeddedResource(type="resource", resource=contents)


def image() -> ImageContent:
    """Return an image block."""
    return ImageContent(type="image", data=PIXEL, mime_type="image/png")


def test_simple_text() -> str:
    """Return a text."""
    return "This is a simple text response for testing."


def test_image_content() -> list[ImageContent]:
    """Return an image."""
    return [image()]


def test_audio_content() -> list[AudioContent]:
    """Return a sound."""
    return [AudioContent(type="audio", data=SILENCE, mime_type="audio/wav")]


def test_embedded_resource() -> list[EmbeddedResource]:
    """Return a resource."""
    return [embedded("test://embedded-resource", "This is an embedded resource content.")]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Return a text, an image and a resource."""
    data = json.dumps({"test": "data", "value": 123})
    mixed = embedded("test://mixed-content-resource", data, "application/json")
    return [text("Multiple content types test:"), image(), mixed]


def test_error_handling() -> str:
    """Fail in an anticipated way."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Context[Any]) -> str:
    """Report progress three times."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
        await anyio.sleep(PAUSE)
    return "done"


async def test_trigger_tool_change(ctx: Context[Any]) -> str:
    """Tell listeners that the tools have changed."""
    await ctx.notify_tools_changed()
    return "told"


async def test_trigger_prompt_change(ctx: Context[Any]) -> str:
    """Tell listeners that the prompts have changed."""
    await ctx.notify_prompts_changed()
    return "told"


def test_custom_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> str:
    """Take an argument that is repeated in a header."""
    return f"region {region}"


def greet(name: str) -> str:
    """Greet, at once."""
    return f"Hello, {name}!"


def json_schema_2020_12_tool() -> str:
    """Be listed with keywords of JSON Schema 2020-12."""
    return "listed"


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


TOOLS = (
    json_schema_2020_12_tool,
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_progress,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    test_custom_header,
    greet,
)


def test_simple_prompt() -> str:
    """Take no argument."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """Take two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - the suite's name
    """Embed a resource."""
    given = embedded(resourceUri, "Embedded resource content for testing.")
    return [UserMessage(given), UserMessage("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[UserMessage]:
    """Embed an image."""
    return [UserMessage(image()), UserMessage("Please analyze the image above.")]


PROMPTS = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
)


def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """An image."""
    return base64.b64decode(PIXEL)


def watched() -> str:
    """What can be subscribed to."""
    return "Watched resource content"


def template(id: str) -> str:
    """What a template leads to."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def add(server: MCPServer[Any]) -> None:
    """Register all of it."""
    for tool in TOOLS:
        server.add_tool(tool)
    untyped: Any = server  # the SDK makes schemas from signatures only
    untyped._tool_manager.get_tool("json_schema_2020_12_tool").parameters = SCHEMA
    for prompt in PROMPTS:
        server.add_prompt(Prompt.from_function(prompt))
    server.resource("test://static-text", mime_type="text/plain")(static_text)
    server.resource("test://static-binary", mime_type="image/png")(static_binary)
    server.resource("test://watched-resource", mime_type="text/plain")(watched)
    server.resource("test://template/{id}/data", mime_type="application/json")(template)
