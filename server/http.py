"""Streamable HTTP: a free port, who may call, an orderly end.

TLS is left to a proxy in front, which must pass on the headers Host and Authorization.
"""

import errno
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from server.guard import Guard
from server.rates import Rate
from server.settings import LOCAL, Settings, WrongSetting
from server.stdio import leave_within
from server.tokens import Tokens, read
from tools.context import App

Beside = Callable[[], Coroutine[Any, Any, None]]

PATH = "/mcp"
TRIES = 50  # ports
GRACE = 1  # seconds for open streams
LAST_SECONDS = 3.0
LARGEST_BODY = 2**20  # bytes of a request
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - not bound to here, only recognised


class _Server(uvicorn.Server):
    """Leaves in time even if a thread does not."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave."""
        leave_within(LAST_SECONDS)
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the port, or on the next free one.

    Raises:
        WrongSetting: The host is not an address of this machine, or no port is free.
    """
    try:
        family, *_, (place, *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise _not_here(host) from None
    for candidate in range(port, min(port + TRIES, 65_536)):
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            # no SO_REUSEADDR trick can take a port that somebody listens on, so this is safe
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((place, candidate))
            bound.listen(128)
        except OSError as error:
            bound.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise _not_here(host) from None
            continue
        return bound
    raise WrongSetting(f"FORESIGHT_HTTP_PORT: expected a free port from {port} on, found none")


def _not_here(host: str) -> WrongSetting:
    return WrongSetting(
        f"FORESIGHT_HTTP_HOST: expected an address of this machine, or 0.0.0.0 for all of them; "
        f"got {host!r:.60}"
    )


def address(bound: socket.socket) -> str:
    """Return the URL of the server behind a socket."""
    host, port = bound.getsockname()[:2]
    if host in EVERYWHERE:
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"


def remote(settings: Settings) -> bool:
    """Return whether others than this machine are served, directly or through a proxy."""
    return any(name not in LOCAL for name in (settings.http_host, *settings.http_allowed_hosts))


def accepted(settings: Settings) -> Tokens:
    """Return the tokens to accept.

    Raises:
        WrongSetting: One is needed and there is none that has not expired.
    """
    found = Tokens(settings.data_dir)
    now = time.time()
    if needs_token(settings) and not any(each.valid(now) for each in read(settings.data_dir)):
        name = "HTTP_HOST" if remote(settings) else "HTTP_AUTH"
        raise WrongSetting(
            f"FORESIGHT_{name}: expected a token, because not everybody who reaches this server "
            "may use it; make one with `foresight token add NAME --scopes advise,feedback`"
        )
    return found


def needs_token(settings: Settings) -> bool:
    """Return whether a request without a token is refused."""
    return settings.http_auth == "always" or remote(settings)


def security(settings: Settings) -> TransportSecuritySettings:
    """Return the names under which the server is reached: anything else is a rebound one."""
    names = [*LOCAL, *settings.http_allowed_hosts]
    if settings.http_host in EVERYWHERE:
        names.append(socket.gethostname())
    else:
        names.append(settings.http_host)
    hosts = [f"[{name}]" if ":" in name else name for name in dict.fromkeys(names)]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(
        allowed_hosts=[form for host in hosts for form in (host, f"{host}:*")],
        allowed_origins=[form for origin in origins for form in (origin, f"{origin}:*")],
    )


def serve_http(
    server: MCPServer[App],
    bound: socket.socket,
    settings: Settings,
    known: Tokens,
    beside: Beside | None = None,
) -> None:
    """Serve until a signal comes.

    Args:
        server: What is served.
        bound: Where it is served.
        settings: Say who may call, how often, and how much is logged.
        known: The tokens that are accepted.
        beside: Runs once, next to the server.
    """
    guarded = Guard(
        app=server.streamable_http_app(
            streamable_http_path=PATH,
            max_request_body_size=LARGEST_BODY,
            # the guard before it checks names, also those that are known only per connection
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        ),
        tokens=known,
        required=needs_token(settings),
        rate=Rate(settings.http_rate),
        security=security(settings),
    )
    config = uvicorn.Config(
        guarded,
        ws="none",
        server_header=False,
        proxy_headers=False,  # an address that a header claims would get around the rate
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
