"""What stands before the MCP endpoint: Host and Origin, the bearer token, the rate.

Every refusal says in one line what was expected and what to do. The SDK's own bearer middleware
wants an OAuth issuer and would publish metadata that name one; there is none here, so its settings
are left alone and only its types are used, by which it ties a session to who opened it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp_types import INVALID_REQUEST
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from server.health import PATHS
from server.rates import Rate
from server.settings import PREFIX
from server.tokens import Token, Tokens

CHALLENGE = 'Bearer realm="foresight"'
INVALID = 'error="invalid_token", error_description="unknown or expired"'
ADD = "the operator makes one with `foresight token add NAME --scopes advise,feedback`"
REFUSED = {
    421: f"Host: not a name of this server; the operator adds it to {PREFIX}HTTP_ALLOWED_HOSTS",
    403: f"Origin: not a page of this server; the operator adds its host to "
    f"{PREFIX}HTTP_ALLOWED_HOSTS",
    400: "Content-Type: expected application/json",
}


@dataclass(slots=True)
class Guard:
    """An ASGI application that lets through what may pass.

    Attributes:
        app: What is guarded.
        tokens: Those that are accepted.
        required: Whether a request without a token is refused; a wrong one always is.
        rate: For each token, or for each address of those without.
        security: Names under which the server is reached.
    """

    app: ASGIApp
    tokens: Tokens
    required: bool
    rate: Rate
    security: TransportSecuritySettings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in PATHS:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        refusal = await self._wrong_place(request)
        if refusal is None:
            token, refusal = self._judged(request)
            if token is not None:
                scope["user"] = AuthenticatedUser(_access(token))
        await (self.app if refusal is None else refusal)(scope, receive, send)

    async def _wrong_place(self, request: Request) -> JSONResponse | None:
        """Refuse what a page of another site makes a browser send (DNS rebinding among it)."""
        checks = TransportSecurityMiddleware(self._names(request))
        refusal = await checks.validate_request(request, is_post=request.method == "POST")
        if refusal is None:
            return None
        return _refusal(refusal.status_code, REFUSED[refusal.status_code])

    def _names(self, request: Request) -> TransportSecuritySettings:
        """Return the names that may be used; with tokens, the address that was called is one."""
        called = request.scope.get("server")
        if not self.required or not called:
            return self.security
        name = f"[{called[0]}]" if ":" in called[0] else called[0]
        hosts = [*self.security.allowed_hosts, name, f"{name}:*"]
        return self.security.model_copy(update={"allowed_hosts": hosts})

    def _judged(self, request: Request) -> tuple[Token | None, JSONResponse | None]:
        """Return whose request it is, or its refusal."""
        presented = _presented(request)
        token = None if presented is None else self.tokens.owner(presented)
        address = request.client.host if request.client else ""
        caller = f"address {address}" if token is None else f"token {token.name}"
        if wait := self.rate.wait(caller, time.monotonic()):
            said = f"{caller}: more than {self.rate.calls} calls a minute; repeat in {wait} s"
            return None, _refusal(429, said, {"Retry-After": str(wait)})
        if presented is not None and token is None:
            said = f"Authorization: this token is unknown or has expired; {ADD}"
            return None, _refusal(401, said, {"WWW-Authenticate": f"{CHALLENGE}, {INVALID}"})
        if token is None and self.required:
            said = f"Authorization: expected `Bearer TOKEN`; {ADD}"
            return None, _refusal(401, said, {"WWW-Authenticate": CHALLENGE})
        return token, None


def _presented(request: Request) -> str | None:
    """Return the token of a request; "" where the header holds something else."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _access(token: Token) -> AccessToken:
    """Return a token as the SDK knows it: the digest keeps apart tokens that had one name."""
    return AccessToken(
        token=token.sha256, client_id=token.name, scopes=list(token.scopes), subject=token.sha256
    )


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a refusal as a JSON-RPC error without an id, which clients of MCP can show."""
    error: dict[str, Any] = {"code": INVALID_REQUEST, "message": message}
    content = {"jsonrpc": "2.0", "id": None, "error": error}
    return JSONResponse(content, status_code=status, headers=headers)
