"""What can go wrong, as a model reads it: one line, with the field and the next step."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

from learners.errors import LearnerError, NotYet, TryAgain

P = ParamSpec("P")
T = TypeVar("T")


def anticipated(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Show a model what the learners anticipate; everything else stays a crash, and is hidden."""

    @functools.wraps(tool)
    async def shown(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except LearnerError as error:
            raise ToolError(in_words(error)) from error

    return shown


def in_words(error: LearnerError) -> str:
    """Return an anticipated error in one line that says whether to repeat the call."""
    text = " ".join(str(error).split())
    if isinstance(error, TryAgain) and "repeat" not in text and "again" not in text:
        return f"{text}; the same call may succeed in a moment"
    if isinstance(error, NotYet):
        return f"{text}; tell more outcomes with record_feedback first"
    return text
