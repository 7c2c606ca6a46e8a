"""What a bearer token may do: its scopes are the toolsets. Without a token nothing is narrowed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST, CallToolResult, TextContent

from tools.context import USER
from tools.surface import TOOLS

TOOLSET: Final[Mapping[str, str]] = {tool.function.__name__: tool.toolset for tool in TOOLS}
READERS: Final = ("advise", "feedback")  # either reads resources and completes their names
# what a token that reads no resources sees of them
LISTS: Final = {"resources/list": "resources", "resources/templates/list": "resourceTemplates"}
READS: Final = ("resources/", "completion/", "subscriptions/")


async def within_scopes(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Serve what the token of a request may do, as the user of that name.

    Raises:
        MCPError: The token reads no resources.
    """
    user = None if ctx.request is None else ctx.request.scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        return await call_next(ctx)
    if refused := _refused(ctx, user):
        if ctx.method == "tools/call":
            return CallToolResult(content=[TextContent(type="text", text=refused)], is_error=True)
        raise MCPError(code=INVALID_REQUEST, message=refused)
    return _seen(ctx.method, user, await call_next(_signed(ctx, user)))


def _refused(ctx: ServerRequestContext[Any, Any], user: AuthenticatedUser) -> str:
    """Return why a token may not do something, or nothing."""
    if ctx.method == "tools/call":
        needed = TOOLSET.get(str((ctx.params or {}).get("name")))
        if needed is None or needed in user.scopes:
            return ""  # a tool that is not there is the SDK's to refuse
        wanted = needed
    elif ctx.method.startswith(READS) and ctx.method not in LISTS:
        if _reads(user):
            return ""
        wanted = " or ".join(READERS)
    else:
        return ""
    return (
        f"token {user.username!r}: expected one with the scope {wanted}, this one has "
        f"{', '.join(user.scopes)}; the operator makes one with "
        f"`foresight token add NAME --scopes {wanted.split()[0]}`"
    )


def _reads(user: AuthenticatedUser) -> bool:
    return any(scope in user.scopes for scope in READERS)


def _signed(
    ctx: ServerRequestContext[Any, Any], user: AuthenticatedUser
) -> ServerRequestContext[Any, Any]:
    """Return the request with the token's name as its user, unless it names one itself."""
    meta: Any = {USER: user.username, **(ctx.meta or {})}
    return replace(ctx, meta=meta)


def _seen(method: str, user: AuthenticatedUser, result: HandlerResult) -> HandlerResult:
    """Return a list without what the token may not use."""
    if not isinstance(result, dict):
        return result
    if method == "tools/list":
        allowed = [tool for tool in result["tools"] if TOOLSET.get(tool["name"], "") in user.scopes]
        result = {**result, "tools": allowed}
    elif method in LISTS and not _reads(user):
        result = {**result, LISTS[method]: []}
    if "cacheScope" in result:
        result["cacheScope"] = "private"  # what a token sees is not for the holders of others
    return result
