"""Tools that run as tasks, over the product's own extension: their work lives in this process."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import anyio
from everything.asking import Asking, asked, question, said
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context, MCPServer, require_client_extension
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
)

from server.tasks import TASKS, Ctx, Job, State

Status = Literal["working", "input_required", "completed", "failed", "cancelled"]


@dataclass(slots=True)
class Work:
    """One task."""

    status: Status = "working"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    questions: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    answered: anyio.Event = field(default_factory=anyio.Event)
    running: asyncio.Task[None] | None = None

    def turn(self, status: Status) -> None:
        """Change the status."""
        self.status, self.updated = status, datetime.now(UTC)


class Working:
    """A tool whose body runs on as a task."""

    def __init__(self, tool: str, questions: tuple[str, ...] = ()) -> None:
        """Run this tool; ask these things first."""
        self.tool = tool
        self._questions = questions
        self._works = dict[str, Work]()

    async def begin(
        self, params: CallToolRequestParams, ctx: Ctx, call_next: CallNext
    ) -> str | HandlerResult:
        """Begin the work; what must be asked before it is a task is asked by the tool itself."""
        if self.tool == "test_tool_with_task" and not params.input_responses:
            return await call_next(ctx)
        key, work = uuid.uuid4().hex, Work()
        self._works[key] = work
        call = self._run(work, ctx, call_next)
        work.running = asyncio.create_task(call)  # noqa: TID251 - it outlives the request
        return key

    async def _run(self, work: Work, ctx: Ctx, call_next: CallNext) -> None:
        try:
            await self._ask(work)
            result = await call_next(ctx)
        except asyncio.CancelledError:
            work.turn("cancelled")
        except MCPError as error:
            work.error = {"code": error.code, "message": error.message}
            work.turn("failed")
        else:
            assert isinstance(result, CallToolResult)
            work.result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
            work.turn("completed")

    async def _ask(self, work: Work) -> None:
        work.questions = {
            name: question(f"{name}?", "confirm", "boolean").model_dump(
                mode="json", by_alias=True, exclude_none=True
            )
            for name in self._questions
        }
        while work.questions:
            work.turn("input_required")
            await work.answered.wait()
            work.answered = anyio.Event()
        work.turn("working")

    async def state(self, key: str, ctx: Ctx) -> State | None:
        """Return how it stands."""
        del ctx
        work = self._works.get(key)
        if work is None:
            return None
        more = {"result": work.result, "error": work.error, "inputRequests": work.questions}
        return State(
            status=work.status,
            created=work.created,
            updated=work.updated,
            more={name: value for name, value in more.items() if value},
        )

    async def answered(self, key: str, responses: Mapping[str, Any]) -> None:
        """Take the answers to what is asked."""
        work = self._works[key]
        work.answers |= {name: responses[name] for name in work.questions if name in responses}
        work.questions = {
            name: each for name, each in work.questions.items() if name not in responses
        }
        work.answered.set()

    async def cancel(self, key: str, ctx: Ctx) -> None:
        """Stop it."""
        del ctx
        work = self._works[key]
        if work.running is not None and work.status in ("working", "input_required"):
            work.running.cancel()
            work.turn("cancelled")


async def slow_compute(seconds: float, label: str = "") -> str:
    """Take some time."""
    await anyio.sleep(seconds)
    return f"computed {label}"


async def failing_job(ctx: Context[Any]) -> str:
    """Fail; only as a task."""
    require_client_extension(ctx.request_context, TASKS)
    raise ToolError("this job always fails")


async def protocol_error_job() -> str:
    """Fail as the protocol fails."""
    raise MCPError(INTERNAL_ERROR, "this job breaks")


async def confirm_delete(filename: str) -> str:
    """Delete nothing, once confirmed."""
    return f"{filename} would be deleted"


async def multi_input() -> str:
    """Do something, once two things are answered."""
    return "both were answered"


async def test_tool_with_task(ctx: Context[Any]) -> Asking:
    """Ask for a name, then greet as a task."""
    name = said(ctx, "user_name", "name")
    return (
        f"Hello, {name}!" if name else asked({"user_name": question("What is your name?", "name")})
    )


TOOLS = (
    slow_compute,
    failing_job,
    protocol_error_job,
    confirm_delete,
    multi_input,
    test_tool_with_task,
)


def jobs() -> tuple[Job, ...]:
    """Return what runs as tasks."""
    return (
        Working("slow_compute"),
        Working("failing_job"),
        Working("protocol_error_job"),
        Working("confirm_delete", ("confirm",)),
        Working("multi_input", ("first", "second")),
        Working("test_tool_with_task"),
    )


def add(server: MCPServer[Any]) -> None:
    """Register the tools."""
    for tool in TOOLS:
        server.add_tool(tool)
