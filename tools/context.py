"""What a tool is given: the lifecycle, who calls, and what to warn of.

The server answers its first message before the learners are imported, so nothing here imports
them; `App.set` hands them over when they are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from mcp.server.mcpserver import Context, Resolve

if TYPE_CHECKING:
    from learners.lifecycle import Lifecycle
    from learners.serving import Caller

PATIENCE = 2.0  # seconds that a call waits for history
PROJECT, USER, SESSION = "foresight/project", "foresight/user", "foresight/session"
TOOL_USE = "claudecode/toolUseId"
LONGEST = 200  # characters of an identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Who calls, as far as this process's environment says."""

    project: str = ""
    user: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: what serves it, who makes it, and what its answer must warn of."""

    lifecycle: Lifecycle
    caller: Caller
    warnings: tuple[str, ...] = ()

    def by(self, project: str) -> Caller:
        """Return the caller, in the project that an argument named."""
        return replace(self.caller, project=project) if project else self.caller

    def learner(self, name: str) -> str:
        """Return a learner's name; without one, the only learner there is.

        Raises:
            UnknownLearner: With the names there are.
        """
        names = list(self.lifecycle.lives)
        if not name and len(names) == 1:
            return names[0]
        return self.lifecycle.live(name).learner.name

    @property
    def degraded(self) -> bool:
        """Whether the answer is given without all that is stored."""
        return bool(self.warnings)


@dataclass(slots=True)
class App:
    """What all calls of a process share."""

    host: Host = Host()
    made: Lifecycle | None = None
    _made: anyio.Event = field(default_factory=anyio.Event)
    _starting: str = ""

    def set(self, lifecycle: Lifecycle) -> None:
        """Take the lifecycle into use."""
        self.made, self._starting = lifecycle, lifecycle.trouble
        self._made.set()

    async def lifecycle(self) -> Lifecycle:
        """Return the lifecycle, waiting for the learners to be imported."""
        while self.made is None:
            await self._made.wait()
        return self.made

    async def call(self, meta: Mapping[str, Any], patience: float = PATIENCE) -> Call:
        """Return a call, made with a request's ``_meta``, once history is loaded.

        Args:
            meta: Who asks, where the host says it.
            patience: Seconds to wait for history while the database is starting; then the call
                goes on without it. What is known to be broken is not waited for.
        """
        from learners.serving import Caller  # the first reply must not wait for it

        lifecycle = await self.lifecycle()
        loaded = await lifecycle.ready(patience if lifecycle.trouble == self._starting else 0)
        caller = Caller(
            project=_identity(meta, PROJECT) or self.host.project,
            user=_identity(meta, USER) or self.host.user,
            session=_identity(meta, SESSION) or self.host.session,
            tool_use_id=_identity(meta, TOOL_USE),
        )
        return Call(
            lifecycle=lifecycle, caller=caller, warnings=_warnings(loaded, lifecycle.trouble)
        )


def _identity(meta: Mapping[str, Any], key: str) -> str:
    value = meta.get(key)
    return identity(value) if isinstance(value, str) else ""


def identity(value: str) -> str:
    """Return who somebody is, as the host says it, without what the database cannot keep."""
    return value.replace("\0", "").encode("utf-8", "ignore").decode()[:LONGEST]


def _warnings(loaded: bool, trouble: str) -> tuple[str, ...]:
    if not loaded:
        return (f"history is not loaded, so what was told before is unknown here: {trouble}",)
    if trouble:
        return (f"the database is away, so this is answered from memory: {trouble}",)
    return ()


async def called(ctx: Context[App]) -> Call:
    """Return the call that a request is."""
    request = ctx.request_context
    return await request.lifespan_context.call(request.meta or {})


# Stays out of the tools' input schemas; `tools.strict` passes it.
Called = Annotated[Call, Resolve(called)]
