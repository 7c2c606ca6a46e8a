"""A client that understands tasks, on the wire's own terms."""

from typing import Any, Literal

from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict

TASKS = "io.modelcontextprotocol/tasks"


class Task(Result):
    """A task as the wire says it; its fields keep their names there."""

    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"] = "task"


class Seen(Result):
    """Any answer, as it is."""

    model_config = ConfigDict(extra="allow")


class About(RequestParams):
    """Which task, and what is told it."""

    task_id: str
    input_responses: dict[str, Any] | None = None


class TaskRequest(Request[About, str]):
    """A request about a task; its id travels in Mcp-Name, too."""

    name_param = "taskId"


class Understood(ClientExtension):
    """Declares the extension; who calls a tool takes the task as it comes."""

    identifier = TASKS

    def claims(self) -> list[ResultClaim[Task]]:
        """Return the one shape that the extension adds."""
        return [ResultClaim(result_type="task", model=Task, resolve=_taken_as_it_comes)]


async def _taken_as_it_comes(task: Task, context: ClaimContext) -> CallToolResult:
    raise AssertionError(f"{context.tool_name}: {task}")


async def begun(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool and return the task that it answers with."""
    result = await client.session.call_tool(tool, arguments, allow_claimed=True)
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def about(client: Client, method: str, task_id: str, **more: Any) -> dict[str, Any]:
    """Send a request about a task and return the whole answer."""
    request = TaskRequest(method=method, params=About(task_id=task_id, **more))
    result = await client.session.send_request(request, Seen)
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
