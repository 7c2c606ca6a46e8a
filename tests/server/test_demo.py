"""The loop over a real stdio process: ask, tell, learn, restart.

From an empty history to a model's answer about a pair nobody told about.
"""

import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

CONSOLE = Path(sys.executable).parent / "foresight"

MIXINS = [
    "MixinCaching", "MixinLogging", "MixinMetrics", "MixinHealthCheck", "MixinEventBus",
    "MixinRetry", "MixinCircuitBreaker", "MixinTimeout", "MixinRateLimiter", "MixinValidation",
    "MixinSecurity", "MixinAuthorization", "MixinAudit", "MixinTransaction", "MixinConnection",
    "MixinRepository",
]  # fmt: skip
STATEFUL = {"MixinTransaction", "MixinConnection", "MixinRepository"}
FAILING = ("MixinCaching", "MixinTransaction")


def works(pair: tuple[str, str]) -> bool:
    """The rule of this world: whatever touches the data store fails here."""
    return not STATEFUL & set(pair)


@asynccontextmanager
async def foresight(directory: Path) -> AsyncGenerator[Client]:
    server = StdioServerParameters(
        command=str(CONSOLE),
        args=["serve", "--toolsets", "advise,feedback,admin"],
        env={
            "FORESIGHT_DATA_DIR": str(directory),
            "FORESIGHT_PROJECT": "demo",
            "PATH": os.environ["PATH"],
        },
    )
    async with Client(server) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> Mapping[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)


async def check(client: Client, pair: tuple[str, str]) -> Mapping[str, Any]:
    return await call(client, "check_mixin_compatibility", mixins=list(pair), node_type="EFFECT")


async def tell(client: Client, pair: tuple[str, str], outcome: str, key: str) -> None:
    facts = {"mixins": list(pair), "node_type": "EFFECT"}
    await call(
        client,
        "record_feedback",
        learner="mixin_compatibility",
        facts=facts,
        outcome=outcome,
        key=key,
    )


async def loaded(client: Client) -> None:
    """Wait until history is loaded: asking is possible before that, and says so."""
    with anyio.fail_after(60):
        while (await call(client, "learning_status"))["database"] != "ready":
            await anyio.lowlevel.checkpoint()


async def promoted(client: Client) -> Mapping[str, Any]:
    with anyio.fail_after(180):
        while True:
            state = await call(client, "learning_status", learner="mixin_compatibility")
            (learner,) = state["learners"]
            if learner["incumbent"] is not None:
                return dict(learner)
            await anyio.sleep(0.2)  # the run takes seconds; do not compete with it


async def test_the_loop_from_an_empty_history_to_a_models_answer_and_across_a_restart(
    tmp_path: Path,
) -> None:
    pairs = [pair for pair in combinations(MIXINS, 2) if pair != FAILING]
    told, untold = pairs[::2][:60], pairs[1::2]
    async with foresight(tmp_path) as client:
        await loaded(client)
        first = await check(client, FAILING)
        assert (first["source"], first["n"], first["probability"]) == ("rules", 0, None)
        assert first["version"] is None

        for i in range(120):
            await tell(client, FAILING, "failure", f"failing-{i}")
        observed = await check(client, FAILING)
        assert (observed["source"], observed["n"]) == ("observed", 120)
        assert observed["probability"] < 0.1

        for i in range(240):
            pair = told[i % 60]
            await tell(client, pair, "success" if works(pair) else "failure", f"rule-{i}")
        learner = await promoted(client)
        assert learner["last_run"]["result"] in ("promoted", "rejected")

        good = next(pair for pair in untold if works(pair))
        bad = next(pair for pair in untold if not works(pair))
        answers = [await check(client, pair) for pair in (good, bad)]
        for answer in answers:
            assert answer["source"] == "model"
            assert answer["n"] == 0
            assert answer["reasons"]
            assert answer["version"] == learner["incumbent"]
        assert answers[0]["probability"] > 0.7
        assert answers[1]["probability"] < 0.3
        assert (await check(client, FAILING))["probability"] < 0.1

    async with foresight(tmp_path) as client:
        await loaded(client)
        again = [await check(client, pair) for pair in (good, bad)]
        for before, after in zip(answers, again, strict=True):
            assert after["probability"] == pytest.approx(before["probability"])
            assert after["version"] == before["version"]
