"""The tasks extension (SEP-2663): a tool whose work outlives its call answers with a task.

Only clients that declare the extension are given tasks; to all others the tool answers as always.
A task's id names its tool and what that tool needs to find its work again, so that any process of
the same database can answer for it; nothing is kept here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp_types import HEADER_MISMATCH, INVALID_PARAMS, CallToolRequestParams, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

TASKS = "io.modelcontextprotocol/tasks"
POLL_MS = 1000
MODERN = frozenset(MODERN_PROTOCOL_VERSIONS)

Ctx = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a task stands.

    Attributes:
        status: As the extension names it.
        created: When it was asked for.
        updated: When it last changed.
        message: The same for people.
        more: What the status brings with it: ``result``, ``error`` or ``inputRequests``.
    """

    status: Literal["working", "input_required", "completed", "failed", "cancelled"]
    created: datetime
    updated: datetime
    message: str = ""
    more: Mapping[str, Any] | None = None


class Job(Protocol):
    """The work of a tool that runs as a task."""

    @property
    def tool(self) -> str:
        """Whose work it is."""
        ...

    async def begin(
        self, params: CallToolRequestParams, ctx: Ctx, call_next: CallNext
    ) -> str | HandlerResult:
        """Begin; return a key under which any process finds the work, or a plain result."""
        ...

    async def state(self, key: str, ctx: Ctx) -> State | None:
        """Return how the work stands; None when there is none of that key."""
        ...

    async def answered(self, key: str, responses: Mapping[str, Any]) -> None:
        """Take what the client answers to input requests; ignore what was not asked."""
        ...

    async def cancel(self, key: str, ctx: Ctx) -> None:
        """Stop the work if that is still possible."""
        ...


class TaskParams(RequestParams):
    """Which task."""

    task_id: str = Field(max_length=300)


class UpdateParams(TaskParams):
    """Answers to what a task has asked."""

    input_responses: dict[str, Any] = Field(max_length=100)


class Tasks(Extension):
    """Serves the tasks of some tools."""

    identifier = TASKS

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Serve the tasks of these jobs."""
        self._jobs = {job.tool: job for job in jobs}

    def methods(self) -> Sequence[MethodBinding]:
        """Return the requests about tasks."""
        return (
            MethodBinding("tasks/get", TaskParams, self._get, MODERN),
            MethodBinding("tasks/update", UpdateParams, self._update, MODERN),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, MODERN),
        )

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Ctx, call_next: CallNext
    ) -> HandlerResult:
        """Answer with a task where the client understands it."""
        job = self._jobs.get(params.name)
        if job is None or not _declared(ctx):
            return await call_next(ctx)
        begun = await job.begin(params, ctx, call_next)
        if not isinstance(begun, str):
            return begun
        task_id = f"{job.tool}:{begun}"
        state = await job.state(begun, ctx)
        if state is None:
            raise MCPError(INVALID_PARAMS, f"taskId: {task_id!r} was lost; call the tool again")
        return {"resultType": "task", **_task(task_id, state)}

    async def _get(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        _, _, state = await self._found(ctx, params)
        return {**_task(params.task_id, state), **(state.more or {})}

    async def _update(self, ctx: Ctx, params: UpdateParams) -> HandlerResult:
        job, key, _ = await self._found(ctx, params)
        await job.answered(key, params.input_responses)
        return {}

    async def _cancel(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        job, key, _ = await self._found(ctx, params)
        await job.cancel(key, ctx)
        return {}

    async def _found(self, ctx: Ctx, params: TaskParams) -> tuple[Job, str, State]:
        require_client_extension(ctx, TASKS)
        headers = getattr(ctx.request, "headers", {})
        if headers.get("mcp-name", params.task_id) != params.task_id:
            raise MCPError(HEADER_MISMATCH, "Mcp-Name: expected the taskId of the request")
        tool, _, key = params.task_id.partition(":")
        job = self._jobs.get(tool)
        state = await job.state(key, ctx) if job else None
        if job is None or state is None:
            raise MCPError(
                INVALID_PARAMS,
                f"taskId: expected the id of a task of this server, got {params.task_id[:80]!r}",
            )
        return job, key, state


def _declared(ctx: Ctx) -> bool:
    """Say whether the client understands tasks; the old era of the protocol cannot carry them."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return ctx.protocol_version in MODERN and TASKS in (declared or {})


def _task(task_id: str, state: State) -> dict[str, Any]:
    return {
        "taskId": task_id,
        "status": state.status,
        **({"statusMessage": state.message} if state.message else {}),
        "createdAt": _iso(state.created),
        "lastUpdatedAt": _iso(state.updated),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
