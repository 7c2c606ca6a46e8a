"""The MCP server, composed; and the same verbs without MCP."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer

from server.direct import Foresight, foresight
from server.host import host
from server.resources import add_completions, add_resources
from server.running import running
from server.scopes import within_scopes
from server.settings import Settings
from server.stdio import Server
from server.tasks import Job, Tasks
from server.training_tasks import TrainingRuns
from tools.context import App
from tools.surface import tools

if TYPE_CHECKING:
    from storage.database import Database

__all__ = ["Foresight", "build", "foresight"]

INSTRUCTIONS = (
    "Foresight gives advice that is learned from what happened before, with its evidence. Ask "
    "before combining mixins; afterwards tell what really happened with record_feedback and the "
    "decision_id of the answer, because that is all it learns from. n is the number of "
    "observations behind an answer; source says what decided; 'rules' and 'abstained' mean that "
    "nothing was observed yet."
)
HOUR, MINUTE = 3_600_000, 60_000  # milliseconds
CACHED: Mapping[CacheableMethod, CacheHint] = {
    "server/discover": CacheHint(ttl_ms=HOUR, scope="public"),
    "tools/list": CacheHint(ttl_ms=HOUR, scope="public"),
    "resources/list": CacheHint(ttl_ms=HOUR, scope="public"),
    "resources/templates/list": CacheHint(ttl_ms=HOUR, scope="public"),
    "prompts/list": CacheHint(ttl_ms=HOUR, scope="public"),
    "resources/read": CacheHint(ttl_ms=0, scope="private"),
}


def build(settings: Settings, app: App | None = None, jobs: Sequence[Job] = ()) -> MCPServer[App]:
    """Return the server; its lifespan runs everything behind it.

    Args:
        settings: What to serve, and from which database.
        app: What the tools share, for whoever wants to look at it.
        jobs: What runs as tasks beside training.
    """
    app = app or App(host=host(settings))
    replied = anyio.Event()

    async def opened() -> "Database":
        from storage.database import open_database

        return await open_database(settings.where())

    @asynccontextmanager
    async def lifespan(_: MCPServer[App]) -> AsyncGenerator[App, None]:
        inline = settings.worker == "inline"
        async with running(app, settings, opened, worker=inline, replied=replied):
            yield app

    async def note_reply(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        try:
            return await call_next(ctx)
        finally:
            replied.set()

    served = tools(settings.toolsets, read_only=settings.read_only)
    if any(tool.name == TrainingRuns.tool for tool in served):
        jobs = (TrainingRuns(), *jobs)
    server = Server(
        "foresight",
        title="Foresight",
        version=version("foresight"),
        instructions=INSTRUCTIONS,
        lifespan=lifespan,
        tools=list(served),
        extensions=[Tasks(jobs)] if jobs else [],
        cache_hints=CACHED,
        middleware=[note_reply, within_scopes],
        log_level="WARNING",
    )
    add_resources(server, app)
    add_completions(server, app)
    return server
