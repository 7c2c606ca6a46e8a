"""The task that a training run is; its id names learner, request and time."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, cast

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult
from mcp_types import INTERNAL_ERROR, CallToolRequestParams, CallToolResult, TextContent

from learners.errors import LearnerError, UnknownLearner
from server.tasks import Ctx, State
from tools.admin import Requested
from tools.context import App
from tools.errors import in_words
from tools.strict import rendered

KEY = re.compile(r"([a-z0-9_]{1,60}):([0-9]{1,18}):([0-9]{13})")  # learner, request, milliseconds
STOPS = "it can be cancelled until its run begins"
GOES_ON = "a run that has begun goes on to its end"


class TrainingRuns:
    """The runs that `train` asks for."""

    tool = "train"

    async def begin(
        self, params: CallToolRequestParams, ctx: Ctx, call_next: CallNext
    ) -> str | HandlerResult:
        """Let the tool ask for the run; its handle is the key."""
        del params
        result = await call_next(ctx)
        if not isinstance(result, CallToolResult) or result.is_error:
            return result
        handle = cast("Mapping[str, Any]", result.structured_content)
        return f"{handle['learner']}:{handle['request']}:{time.time_ns() // 1_000_000}"

    async def state(self, key: str, ctx: Ctx) -> State | None:
        """Return how the run stands."""
        from learners import requests

        if (named := _parsed(key)) is None:
            return None
        learner, number, created = named
        app = cast(App, ctx.lifespan_context)
        try:
            request = await requests.find((await app.call({})).lifecycle, learner, number)
        except UnknownLearner:
            return None
        except LearnerError as error:
            raise MCPError(INTERNAL_ERROR, in_words(error)) from error
        if request is None:
            return None
        status: Literal["working", "completed", "cancelled"] = "working"
        more: dict[str, Any] = {}
        match request.state:
            case "waiting":
                message = f"Waits for a worker; {STOPS}."
            case "running":
                message = f"Training; {GOES_ON}."
            case "withdrawn":
                status, message = "cancelled", "Withdrawn before it began."
            case "ended":
                status, message = "completed", f"Ended: {request.result}."
                result = _result(learner, number, request.result, request.reason)
                more = {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}
        return State(
            status=status,
            created=created,
            updated=max(created, request.since or created),
            message=message,
            more=more,
        )

    async def answered(self, key: str, responses: Mapping[str, Any]) -> None:
        """Ignore it: a training run asks for nothing."""

    async def cancel(self, key: str, ctx: Ctx) -> None:
        """Withdraw the request if its run has not begun; the status says what came of it."""
        from learners import requests

        if (named := _parsed(key)) is None:
            return
        app = cast(App, ctx.lifespan_context)
        try:
            await requests.withdraw((await app.call({})).lifecycle, *named[:2])
        except LearnerError as error:
            raise MCPError(INTERNAL_ERROR, in_words(error)) from error


def _parsed(key: str) -> tuple[str, int, datetime] | None:
    """Return learner, request and time; None when the key is none of ours."""
    found = KEY.fullmatch(key)
    if found is None:
        return None
    learner, number, created = found.groups()
    return learner, int(number), datetime.fromtimestamp(int(created) / 1000, UTC)


def _result(learner: str, number: int, result: str, reason: str) -> CallToolResult:
    if result == "failed":
        said = f"The training run of {learner} failed: {reason}; call train to try again"
        return CallToolResult(content=[TextContent(type="text", text=said)], is_error=True)
    return rendered(
        Requested(
            learner=learner,
            requested=True,
            request=number,
            result=result,
            reason=reason,
            next="learning_status shows what is served now.",
        )
    )
