"""The product's server, over its HTTP, with what the public suite looks for added to it."""

import sys

from everything import asking, content, legacy, working

from server import http
from server.app import build
from server.health import add_health
from server.host import host
from server.logs import configure
from server.settings import load
from tools.context import App


def main() -> None:
    """Serve on a free port, which is written to stderr."""
    settings = load()
    configure(settings.log_level, settings.logs)
    known = http.accepted(settings)
    bound = http.listen(settings.http_host, 0)
    app = App(host=host(settings, remote=True))
    server = build(settings, app, working.jobs())
    add_health(server, app)
    for fixtures in (content, asking, legacy, working):
        fixtures.add(server)
    sys.stderr.write(f"serving {http.address(bound)}\n")
    http.serve_http(server, bound, settings, known)


main()
