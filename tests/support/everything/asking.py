"""Tools and a prompt that ask the client back, in the way of the new era and of the old one."""

from typing import Any, Literal

from mcp import MCPError
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field, JsonValue

Asking = str | InputRequiredResult


def question(message: str, field: str, kind: str = "string") -> ElicitRequest:
    """Return a question with one field."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(words: str, most: int = 100) -> CreateMessageRequest:
    """Return a request to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=words))
    params = CreateMessageRequestParams(messages=[message], max_tokens=most)
    return CreateMessageRequest(params=params)


def asked(requests: dict[str, InputRequest], state: str | None = None) -> InputRequiredResult:
    """Return what the client must answer first."""
    return InputRequiredResult(input_requests=requests, request_state=state)


def said(ctx: Context[Any], key: str, field: str) -> str | None:
    """Return a field of an accepted answer."""
    response = (ctx.input_responses or {}).get(key)
    if not isinstance(response, ElicitResult) or response.action != "accept":
        return None
    found = (response.content or {}).get(field)
    return None if found is None else str(found)


async def test_input_required_result_elicitation(ctx: Context[Any]) -> Asking:
    """Ask for a name, as often as it is missing."""
    name = said(ctx, "user_name", "name")
    return (
        f"Hello, {name}!" if name else asked({"user_name": question("What is your name?", "name")})
    )


async def test_input_required_result_sampling(ctx: Context[Any]) -> Asking:
    """Ask the client's model."""
    response = (ctx.input_responses or {}).get("capital_question")
    if not isinstance(response, CreateMessageResult):
        return asked({"capital_question": sampling("What is the capital of France?")})
    return response.content.text if isinstance(response.content, TextContent) else "no text"


async def test_input_required_result_list_roots(ctx: Context[Any]) -> Asking:
    """Ask for the client's roots."""
    response = (ctx.input_responses or {}).get("client_roots")
    if not isinstance(response, ListRootsResult):
        return asked({"client_roots": ListRootsRequest()})
    return ", ".join(str(root.uri) for root in response.roots)


async def test_input_required_result_request_state(ctx: Context[Any]) -> Asking:
    """Ask with a state that comes back."""
    if ctx.request_state == "asked" and said(ctx, "confirm", "ok"):
        return "state-ok"
    return asked({"confirm": question("Please confirm", "ok", "boolean")}, "asked")


test_input_required_result_tampered_state = test_input_required_result_request_state


async def test_input_required_result_multiple_inputs(ctx: Context[Any]) -> Asking:
    """Ask three things at once."""
    if set(ctx.input_responses or {}) >= {"user_name", "greeting", "client_roots"}:
        return "all are answered"
    return asked(
        {
            "user_name": question("What is your name?", "name"),
            "greeting": sampling("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        },
        "asked",
    )


async def test_input_required_result_multi_round(ctx: Context[Any]) -> Asking:
    """Ask one thing after another."""
    if ctx.request_state == "second" and (color := said(ctx, "step2", "color")):
        return f"Favourite color: {color}"
    if ctx.request_state == "first" and said(ctx, "step1", "name"):
        return asked({"step2": question("Step 2: What is your favorite color?", "color")}, "second")
    return asked({"step1": question("Step 1: What is your name?", "name")}, "first")


async def test_input_required_result_capabilities(ctx: Context[Any]) -> Asking:
    """Ask only what the client can answer."""
    able = ctx.client_capabilities or ClientCapabilities()
    requests: dict[str, InputRequest] = {}
    if able.sampling is not None:
        requests["greeting"] = sampling("Generate a greeting", 50)
    if able.elicitation is not None:
        requests["user_name"] = question("What is your name?", "name")
    return asked(requests) if requests else "nothing can be asked"


async def test_streaming_elicitation(ctx: Context[Any]) -> Asking:
    """Report progress, then ask."""
    await ctx.report_progress(0, 1, "about to ask")
    return await test_input_required_result_elicitation(ctx)


async def test_missing_capability(ctx: Context[Any]) -> str:
    """Need a client that can sample."""
    able = ctx.client_capabilities
    if able is None or able.sampling is None:
        needed = ClientCapabilities(sampling=SamplingCapability())
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "sampling: expected a client that declares it",
            {"requiredCapabilities": needed.model_dump(by_alias=True, exclude_none=True)},
        )
    return "the client can sample"


async def test_input_required_result_prompt(ctx: Context[Any]) -> Any:
    """Ask before the prompt is there."""
    context = said(ctx, "user_context", "context")
    question_ = question("What context should the prompt use?", "context")
    return f"Context: {context}" if context else asked({"user_context": question_})


class Answered(BaseModel):
    """What a user is asked for."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    """A default of every primitive type."""

    name: str = Field("John Doe", description="User name")
    age: int = Field(30, description="User age")
    score: float = Field(95.5, description="User score")
    status: Literal["active", "inactive", "pending"] = Field("active", description="User status")
    verified: bool = Field(default=True, description="Verification status")


def titled(*names: str) -> list[JsonValue]:
    """Return choices that have titles."""
    return [{"const": name, "title": name.title()} for name in names]


class Choices(BaseModel):
    """Every way to offer a choice."""

    untitledSingle: str = Field(json_schema_extra={"enum": ["one", "two", "three"]})  # noqa: N815 - the suite's names
    titledSingle: str = Field(json_schema_extra={"oneOf": titled("one", "two", "three")})  # noqa: N815
    legacyEnum: str = Field(  # noqa: N815
        json_schema_extra={"enum": ["one", "two"], "enumNames": ["One", "Two"]}
    )
    untitledMulti: list[str] = Field(  # noqa: N815
        json_schema_extra={"items": {"type": "string", "enum": ["one", "two", "three"]}}
    )
    titledMulti: list[str] = Field(  # noqa: N815
        json_schema_extra={"items": {"anyOf": titled("one", "two", "three")}}
    )


async def _elicited(ctx: Context[Any], message: str, schema: type[BaseModel]) -> str:
    result = await ctx.elicit(message, schema)
    content = result.data.model_dump_json() if result.action == "accept" else "{}"
    return f"Elicitation completed: action={result.action}, content={content}"


async def test_elicitation(message: str, ctx: Context[Any]) -> str:
    """Ask in the way of the old era."""
    return await _elicited(ctx, message, Answered)


async def test_elicitation_sep1034_defaults(ctx: Context[Any]) -> str:
    """Ask with defaults."""
    return await _elicited(ctx, "Please confirm", Defaults)


async def test_elicitation_sep1330_enums(ctx: Context[Any]) -> str:
    """Ask with choices."""
    return await _elicited(ctx, "Please choose", Choices)


TOOLS = (
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
    test_streaming_elicitation,
    test_missing_capability,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
)


def add(server: MCPServer[Any]) -> None:
    """Register all of it."""
    for tool in TOOLS:
        server.add_tool(tool)
    server.add_tool(
        test_input_required_result_tampered_state, name="test_input_required_result_tampered_state"
    )
    server.add_prompt(Prompt.from_function(test_input_required_result_prompt))
