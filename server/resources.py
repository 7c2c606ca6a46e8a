"""What a host can read beside the tools: status, cards, decisions, mixins; completions."""

import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from learners.errors import LearnerError, WrongInput
from learners.wording import quoted
from storage.errors import StorageError
from tools.context import App, Call

JSON = "application/json"
MOST = 100  # values of a completion


def add_resources(server: MCPServer[App], app: App) -> None:
    """Register the resources."""

    @server.resource(
        "foresight://status",
        title="Learning status",
        description="Join rate, then what each learner serves, its last run and its ledger.",
        mime_type=JSON,
    )
    async def status() -> str:
        from learners.status import status as of

        async with _call(app) as call:
            return (await of(call.lifecycle)).model_dump_json()

    @server.resource(
        "foresight://pending",
        title="Pending feedback",
        description="Answers nobody has judged yet, those first whose outcome would teach most.",
        mime_type=JSON,
    )
    async def pending() -> str:
        from tools.pending_feedback import pending_feedback

        async with _call(app) as call:
            return (await pending_feedback(call)).model_dump_json()

    @server.resource(
        "foresight://card/{learner}",
        title="Model card",
        description="What a learner serves, how it was judged, and beside what.",
        mime_type=JSON,
    )
    async def card(learner: str) -> str:
        from learners.status import card as of

        async with _call(app) as call:
            return _json(await of(call.lifecycle, learner))

    @server.resource(
        "foresight://decision/{id}",
        title="Decision",
        description="An answer that was given, and what was told about it.",
        mime_type=JSON,
    )
    async def decision(id: str) -> str:
        from learners.status import decision as of

        _check_id(id)
        async with _call(app) as call:
            return _json(await of(call.lifecycle, id))

    @server.resource(
        "foresight://mixins/{name}",
        title="Mixin",
        description="What is known of a mixin beforehand.",
        mime_type=JSON,
    )
    async def mixin(name: str) -> str:
        async with _call(app) as call:
            return _json(_mixin(call, name))


def add_completions(server: MCPServer[App], app: App) -> None:
    """Register completions for the names in resource templates."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        del context
        if not isinstance(ref, ResourceTemplateReference):
            return None
        lifecycle = await app.lifecycle()
        if argument.name == "learner":
            names = sorted(lifecycle.lives)
        elif argument.name == "name":
            names = sorted(_catalogue(await app.call({}, 0)).components)
        else:
            return None
        wanted = argument.value.casefold()
        found = [name for name in names if wanted in name.casefold()]
        return Completion(values=found[:MOST], total=len(found), has_more=len(found) > MOST)

    untyped: Any = server  # as the SDK's decorators for completions and routes are
    untyped.completion()(complete)


def _check_id(text: str) -> None:
    try:
        uuid.UUID(text)
    except ValueError:
        raise ResourceNotFoundError(
            f"id: expected the decision_id of an answer (a UUID), got {quoted(text)}"
        ) from None


@asynccontextmanager
async def _call(app: App) -> AsyncGenerator[Call, None]:
    try:
        yield await app.call({})
    except WrongInput as error:
        raise ResourceNotFoundError(str(error)) from error
    except (LearnerError, StorageError) as error:
        raise ResourceError(str(error)) from error


def _catalogue(call: Call) -> Any:
    from learners.catalog.mixin_compatibility import CATALOGUE, LEARNER

    return CATALOGUE.extended(call.lifecycle.live(LEARNER.name).added)


def _mixin(call: Call, name: str) -> dict[str, Any]:
    catalogue = _catalogue(call)
    found = catalogue.get(catalogue.resolver()(name))
    if not found.described:
        raise WrongInput(
            f"name: nothing is known of {quoted(name)}; `foresight mixins add` describes a new one"
        )
    return {
        "name": found.name,
        "category": found.category,
        "characteristics": sorted(found.flags),
        "dependencies": sorted(found.dependencies),
        "lifecycle_hooks": sorted(found.hooks),
        "tags": sorted(found.tags),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
