"""Whether the process answers, and whether it answers with all that was told before."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tools.context import App

ALIVE, READY = "/healthz", "/readyz"
PATHS = (ALIVE, READY)  # open to everybody: orchestrators have neither a token nor our name
LONGEST = 300  # characters of a reason


def add_health(server: MCPServer[App], app: App) -> None:
    """Register both.

    ``/healthz`` is 200 whenever the process answers, with what it is waiting for; ``/readyz`` is
    200 once history is loaded and for as long as the database is there, else 503.
    """

    async def healthz(_: Request) -> Response:
        trouble = _trouble(app)
        state = "degraded" if trouble else "ok"
        return JSONResponse({"status": state, "database": trouble or "ready"})

    async def readyz(_: Request) -> Response:
        lifecycle, trouble = app.made, _trouble(app)
        if not trouble and (lifecycle is None or not await lifecycle.ready(0)):
            trouble = "history is being loaded"
        if trouble:
            return JSONResponse({"status": "not ready", "reason": trouble}, status_code=503)
        return JSONResponse({"status": "ready"})

    untyped: Any = server  # as the SDK's decorators for completions and routes are
    untyped.custom_route(ALIVE, methods=["GET"])(healthz)
    untyped.custom_route(READY, methods=["GET"])(readyz)


def _trouble(app: App) -> str:
    """Return what is wrong, for everybody to read: one line, without secrets."""
    from learners.redaction import stored

    if app.made is None:
        return "starting"
    return stored(" ".join(app.made.trouble.split()), "redacted")[:LONGEST]
