"""The inference API of generations over plain HTTP (002-90 ... 002-92).

The same checks, scopes and limits as the tools: the guard has let the request through, a token may
do what its scopes say, and what is not served as a tool is not served here, either.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import structlog
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.direct import check, named
from server.settings import Settings
from tools.context import USER, App
from tools.errors import in_words

if TYPE_CHECKING:
    from tools.admin import Requested
    from tools.answers import Answer
    from tools.context import Call

PREDICT, RETRAIN, METRICS = "/api/ml/predict", "/api/ml/retrain", "/api/ml/metrics"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # one of which each path has
LARGEST_BODY = 2**20  # bytes, as of the tools
WEEKS = 12
FIELD = re.compile(r"(?:Wrong arguments for \w+: )?([A-Za-z_]\w*(?:\.\w+)*): ")

logger = structlog.get_logger("foresight.rest")


class Refused(Exception):
    """A request that is not served: its status and why, in one line."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


@dataclass(frozen=True, slots=True)
class _Rest:
    app: App
    settings: Settings

    async def predict(self, request: Request) -> Any:
        """Answer as the tool does; the body is its arguments."""
        call = await self._call(request, "advise")
        answer = await _called("predict_generation_success", await _body(request), call)
        return answer.model_dump(mode="json")

    async def retrain(self, request: Request) -> Any:
        """Ask for runs; without a learner, of all that learn of generations."""
        call = await self._call(request, "admin", changes=True)
        body = await _body(request)
        asked = check("train", body)
        from tools.generation import LEARNERS

        names = [asked["learner"]] if asked["learner"] else list(LEARNERS.values())
        found = [await _called("train", {"learner": name}, call) for name in names]
        requests = {each.learner: each.request for each in cast("list[Requested]", found)}
        worker = "this server" if self.settings.worker == "inline" else "`foresight worker`"
        return {
            "training_started": True,
            "requests": requests,
            "next": f"{worker} does it; GET {METRICS} shows what is served",
        }

    async def metrics(self, request: Request) -> Any:
        """Return how well is predicted, from what, and what became of generations."""
        call = await self._call(request, "advise")
        asked = check("generation_kpis", {"weeks": WEEKS, **request.query_params})
        from learners.figures import metrics

        return await metrics(call.lifecycle, asked["weeks"], asked.get("project") or None)

    async def _call(self, request: Request, scope: str, *, changes: bool = False) -> "Call":
        """Return the call that a request is, if it may be made.

        Raises:
            Refused: By the settings or the token's scopes.
        """
        if scope not in self.settings.toolsets:
            raise Refused(403, f"toolset: {scope} is not served here; see FORESIGHT_TOOLSETS")
        if changes and self.settings.read_only:
            raise Refused(403, "read_only: this server changes nothing; see FORESIGHT_READ_ONLY")
        user = request.scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            return await self.app.call({})
        if scope not in user.scopes:
            raise Refused(
                403,
                f"token: expected one with the scope {scope}, {user.username!r} has "
                f"{', '.join(user.scopes)}; the operator makes one with "
                f"`foresight token add NAME --scopes {scope}`",
            )
        return await self.app.call({USER: user.username})


def add_rest(server: MCPServer[App], app: App, settings: Settings) -> None:
    """Register the routes."""
    rest = _Rest(app, settings)
    untyped: Any = server  # as the SDK's decorators for completions and routes are
    for path, method, endpoint, status in (
        (PREDICT, "POST", rest.predict, 200),
        (RETRAIN, "POST", rest.retrain, 202),
        (METRICS, "GET", rest.metrics, 200),
    ):
        untyped.custom_route(path, methods=METHODS)(_answering(method, endpoint, status))


def _answering(
    method: str, endpoint: Callable[[Request], Awaitable[Any]], status: int
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        from learners.errors import LearnerError, TryAgain, WrongInput

        try:
            _check_method(request, method)
            return JSONResponse(await endpoint(request), status_code=status)
        except Refused as error:
            return _error(error.status, str(error), error.headers)
        except WrongInput as error:
            return _error(400, in_words(error))
        except TryAgain as error:
            return _error(503, in_words(error), {"Retry-After": "1"})
        except LearnerError as error:
            return _error(409, in_words(error))
        except Exception:
            logger.exception("request failed", path=request.url.path)
            return _error(500, "server: it failed, and its log says why")

    return answer


def _check_method(request: Request, method: str) -> None:
    if request.method != method:
        raise Refused(405, f"method: expected {method}", Allow=method)


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return what is wrong, and the field it is about."""
    found = FIELD.match(message)
    content = {"error": {"field": found[1] if found else None, "message": message}}
    return JSONResponse(content, status_code=status, headers=headers)


async def _body(request: Request) -> dict[str, Any]:
    """Return the object that a request carries; nothing is an empty one.

    Raises:
        Refused: It is too large, or no JSON object.
    """
    announced = request.headers.get("content-length", "0")
    large = not announced.isdecimal() or int(announced) > LARGEST_BODY
    data = bytearray()
    if not large:
        async for chunk in request.stream():
            data += chunk
            if large := len(data) > LARGEST_BODY:
                break
    if large:
        raise Refused(413, f"body: expected at most {LARGEST_BODY} bytes")
    try:
        found = json.loads(bytes(data) or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"body: expected JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused(400, "body: expected a JSON object")
    return found


async def _called(name: str, arguments: Mapping[str, Any], call: "Call") -> "Answer":
    answer: Answer = await named()[name].fn(**check(name, arguments), call=call)
    return answer
