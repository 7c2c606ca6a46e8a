"""Streamable HTTP on this machine: a free port, a health check, an orderly end."""

import signal
import socket
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.settings import LOCAL, Settings, WrongSetting
from server.stdio import leave_within
from tools.context import App

Beside = Callable[[], Coroutine[Any, Any, None]]

PATH = "/mcp"
TRIES = 50  # ports
GRACE = 1  # seconds for open streams
LAST_SECONDS = 3.0


class _Server(uvicorn.Server):
    """Leaves in time even if a thread does not."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave."""
        leave_within(LAST_SECONDS)
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the port, or on the next free one.

    Raises:
        WrongSetting: The host is not this machine, or no port is free.
    """
    if host not in LOCAL:
        raise WrongSetting(
            f"host: expected one of {', '.join(LOCAL)}, got {host!r:.60}: without authentication "
            "Foresight listens on this machine only; reach it from others through an SSH tunnel"
        )
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    for candidate in range(port, min(port + TRIES, 65_536)):
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            # no SO_REUSEADDR trick can take a port that somebody listens on, so this is safe
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, candidate))
            bound.listen(128)
        except OSError:
            bound.close()
            continue
        return bound
    raise WrongSetting(f"FORESIGHT_HTTP_PORT: expected a free port from {port} on, found none")


def address(bound: socket.socket) -> str:
    """Return the URL of the server behind a socket."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"


def add_health(server: MCPServer[App], app: App) -> None:
    """Register ``/healthz``: 200 whenever the process answers, with what it is waiting for."""

    async def healthz(_: Request) -> Response:
        lifecycle = app.made
        trouble = "starting" if lifecycle is None else lifecycle.trouble
        state = "degraded" if trouble else "ok"
        return JSONResponse({"status": state, "database": trouble or "ready"})

    untyped: Any = server  # as the SDK's decorators for completions and routes are
    untyped.custom_route("/healthz", methods=["GET"])(healthz)


def serve_http(
    server: MCPServer[App],
    bound: socket.socket,
    settings: Settings,
    beside: Beside | None = None,
) -> None:
    """Serve until a signal comes.

    Args:
        server: What is served.
        bound: Where it is served.
        settings: Say how much is logged.
        beside: Runs once, next to the server.
    """
    config = uvicorn.Config(
        server.streamable_http_app(streamable_http_path=PATH, host=bound.getsockname()[0]),
        log_config=None,
        access_log=False,
        log_level=settings.log_level,
        timeout_graceful_shutdown=GRACE,
    )
    # uvicorn raises what it caught once more when it is done
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    anyio.run(_serve, _Server(config), bound, beside)


async def _serve(server: uvicorn.Server, bound: socket.socket, beside: Beside | None) -> None:
    async with anyio.create_task_group() as group:
        if beside is not None:
            group.start_soon(beside)
        await server.serve(sockets=[bound])
        group.cancel_scope.cancel()
