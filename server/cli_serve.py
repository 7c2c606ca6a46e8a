"""Verbs that run: the server and the worker."""

import sys
from typing import Annotated, Any

import typer

from server.cli_run import SERVE, Json
from server.settings import Settings, load


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(rich_help_panel=SERVE)(serve)
    app.command(rich_help_panel=SERVE)(worker)
    app.command("connect-info", rich_help_panel=SERVE)(connect_info)


def serve(
    http: Annotated[
        bool, typer.Option("--http", metavar="", help="Streamable HTTP instead of stdio.")
    ] = False,
    host: Annotated[str, typer.Option(help="Where to listen with --http.")] = "",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Or the next free one.")
    ] = None,
    toolsets: Annotated[str, typer.Option(help="Comma-separated: advise, feedback, admin.")] = "",
    read_only: Annotated[
        bool, typer.Option("--read-only", metavar="", help="Serve only tools that change nothing.")
    ] = False,
    welcome: Annotated[
        bool,
        typer.Option(
            "--welcome", metavar="", help="With --http: print how to connect, and an example."
        ),
    ] = False,
) -> None:
    """Serve MCP: on stdin and stdout, or with --http on this machine.

    Others are served with --host and a token of `foresight token add`. TLS
    is left to a proxy, which must pass on the headers Host (a name of
    FORESIGHT_HTTP_ALLOWED_HOSTS) and Authorization; set
    FORESIGHT_HTTP_AUTH=always behind it.
    """
    from server.logs import configure, hold

    given: dict[str, Any] = {"http_host": host} if host else {}
    given |= {"http_port": port} if port is not None else {}
    given |= {"toolsets": toolsets} if toolsets else {}
    given |= {"read_only": True} if read_only else {}
    settings = load(**given)
    if http:
        configure(settings.log_level, settings.logs, people=sys.stderr.isatty())
        _serve_http(settings, welcome=welcome)
    else:
        from server.app import build
        from server.stdio import serve_stdio

        hold(settings.log_level, settings.logs)
        serve_stdio(build(settings))


def _serve_http(settings: Settings, *, welcome: bool) -> None:
    from functools import partial

    from server import http
    from server.app import build
    from server.health import add_health
    from server.host import host
    from server.rest import add_rest
    from server.welcome import greet
    from tools.context import App

    known = http.accepted(settings)
    bound = http.listen(settings.http_host, settings.http_port)
    app = App(host=host(settings, remote=True))
    server = build(settings, app)
    add_health(server, app)
    add_rest(server, app, settings)
    url = http.address(bound)
    sys.stderr.write(f"foresight: serving MCP on {url}\n")
    if http.needs_token(settings):
        sys.stderr.write("foresight: every call needs a token of `foresight token add`\n")
    beside = partial(greet, app, url) if welcome else None
    http.serve_http(server, bound, settings, known, beside)


def worker() -> None:
    """Train whatever is due, for servers that run with FORESIGHT_WORKER=off."""
    import signal

    import anyio

    from server.direct import foresight
    from server.logs import configure
    from server.stdio import LAST_SECONDS, leave_within

    settings = load()
    configure(settings.log_level, settings.logs)

    async def run() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with foresight(settings, worker=True):
                sys.stderr.write("foresight: the worker runs; end it with Ctrl-C\n")
                async for _ in signals:
                    leave_within(LAST_SECONDS)
                    return

    anyio.run(run)


def connect_info(as_json: Json = False) -> None:
    """Print what a client's configuration needs."""
    from server.cli_run import print_json
    from server.welcome import client, inspector

    if as_json:
        print_json(client())
        return
    import json

    sys.stdout.write(f"For an MCP client's configuration:\n{json.dumps(client(), indent=2)}\n")
    sys.stdout.write(f"To look at it with the MCP Inspector:\n  {inspector()}\n")
