"""Several processes of one user: what one is told all know, what one promotes all serve.

Three servers over stdio and one over HTTP, first over one embedded cluster, then over an external
PostgreSQL through PgBouncer in transaction mode.
"""

import json
import statistics
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from pooled import pgbouncer, pooled_url
from served import PAIR, SCRIPT, environment, foresight, url_of

from storage.embedded import Dsn, Lease

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

LEARNER = "mixin_compatibility"
TOOLSETS = ("--toolsets", "advise,feedback,admin")
ROUNDS = 8  # two by each of the four
WORKING = [f"MixinFine{number}" for number in range(12)]
FAILING = [f"MixinPoor{number}" for number in range(4)]
Environment = Mapping[str, str]


@asynccontextmanager
async def processes(environments: Sequence[Environment]) -> AsyncGenerator[list[Client]]:
    """Yield a client of each server: over HTTP of the first, over stdio of the others."""
    async with AsyncExitStack() as stack:
        http = stack.enter_context(
            subprocess.Popen(
                [str(SCRIPT), "serve", "--http", "--port", "0", *TOOLSETS],
                env=dict(environments[0]),
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(http.kill)
        servers = [
            StdioServerParameters(command=str(SCRIPT), args=["serve", *TOOLSETS], env=dict(each))
            for each in environments[1:]
        ]
        clients = [await stack.enter_async_context(Client(server)) for server in servers]
        assert http.stderr is not None
        address = (await anyio.to_thread.run_sync(http.stderr.readline)).split()[-1]
        clients.insert(0, await stack.enter_async_context(Client(address)))
        for client in clients:
            await until(partial(ready, client), 60)
        yield clients


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)


async def ask(client: Client) -> dict[str, Any]:
    return await call(client, "check_mixin_compatibility", **PAIR)


async def tell(client: Client, outcome: str) -> None:
    await call(client, "record_feedback", learner=LEARNER, facts=PAIR, outcome=outcome)


async def ready(client: Client) -> bool:
    return bool((await call(client, "learning_status"))["database"] == "ready")


async def until(
    claim: Callable[[], Awaitable[bool]], seconds: float, pause: float = 0.005
) -> float:
    """Wait until a claim is true and return how long that took."""
    start = time.monotonic()
    while not await claim():
        assert time.monotonic() - start < seconds, "it did not become true in time"
        await anyio.sleep(pause)
    return time.monotonic() - start


async def news(clients: Sequence[Client]) -> list[list[float]]:
    """Tell the processes by turns; return when each of the others answered accordingly.

    The time runs from before the call that tells. In the same order as the clients.
    """
    for _ in range(5):
        await tell(clients[0], "success")
    seen: list[list[float]] = [[] for _ in clients]
    for number in range(6, 6 + ROUNDS):
        teller = number % len(clients)
        start = time.monotonic()
        await tell(clients[teller], "failure")
        assert (await ask(clients[teller]))["n"] == number  # it knows by the time it says so

        async def hear(listener: int, number: int = number, start: float = start) -> None:
            async def heard() -> bool:
                return bool((await ask(clients[listener]))["n"] == number)

            await until(heard, 30)
            seen[listener].append(time.monotonic() - start)

        async with anyio.create_task_group() as group:
            for listener in set(range(len(clients))) - {teller}:
                group.start_soon(hear, listener)
    answers = [await ask(client) for client in clients]
    for answer in answers:
        answer.pop("decision_id")
    assert answers == [answers[0]] * len(clients)
    return seen


def shown(name: str, delays: Sequence[float]) -> float:
    """Print the delays, and return the one in the middle: a busy machine spoils some."""
    middle = statistics.median(delays)
    print(f"{name}: {middle:.3f} s in the middle, {min(delays):.3f} to {max(delays):.3f}")
    return middle


async def serve_all(
    clients: Sequence[Client], version: int | None, seconds: float = 30, pause: float = 0.005
) -> float:
    """Wait until every process serves a version, and return how long the last one took."""

    async def served() -> bool:
        answers = [await ask(client) for client in clients]
        return all(answer["version"] == version for answer in answers)

    return await until(served, seconds, pause)


def history() -> str:
    """A history in which every pair with a poor mixin fails."""
    rows = ["mixin_a,mixin_b,node_type,success_count,failure_count"]
    for pair in combinations([*WORKING, *FAILING], 2):
        counts = "0,3" if set(FAILING) & set(pair) else "3,0"
        rows.append(f"{','.join(pair)},EFFECT,{counts}")
    return "\n".join(rows)


async def learns_once(clients: Sequence[Client], env: Environment) -> None:
    """One history is trained on once; a promotion and a way back by any process hold for all."""
    done = foresight(env, "import", "mixins", "-", given=history())
    assert done.returncode == 0, done.stderr
    await serve_all(clients, 1, 200, pause=0.3)  # do not compete with the run
    runs = json.loads(foresight(env, "runs", "--json").stdout)
    assert [(run["result"], run["number"]) for run in runs] == [("promoted", 1)]

    assert (await call(clients[1], "roll_back", learner=LEARNER))["version"] is None
    print(f"rolled back everywhere after {await serve_all(clients, None):.3f} s")
    done = foresight(env, "promote", LEARNER, "1")
    assert done.returncode == 0, done.stderr
    print(f"promoted everywhere after {await serve_all(clients, 1):.3f} s")
    await call(clients[0], "roll_back", learner=LEARNER)
    await serve_all(clients, None)


async def test_four_processes_share_the_embedded_cluster(own_data: Path) -> None:
    env = environment("", own_data, FORESIGHT_WORKER="inline")
    async with processes([env] * 4) as clients:
        seen = await news(clients)
        assert shown("news to all", [delay for delays in seen for delay in delays]) < 1.0
        await learns_once(clients, env)


async def through_a_pooler(
    database: Lease,
    scratch: Path,
    fresh_database: Dsn,
    tmp_path: Path,
    *,
    train: bool,
) -> None:
    with pgbouncer(database, scratch) as port:
        url = pooled_url(fresh_database, port)
        polling = environment(
            url, tmp_path, FORESIGHT_WORKER="inline", FORESIGHT_DATABASE_POOLER="transaction"
        )
        listening = {**polling, "FORESIGHT_DATABASE_DIRECT_URL": url_of(fresh_database)}
        async with processes([polling, listening, polling, listening]) as clients:
            seen = await news(clients)
            assert shown("news by LISTEN", [*seen[1], *seen[3]]) < 1.0
            assert shown("news by polling", [*seen[0], *seen[2]]) < 2.0
            if train:
                await learns_once(clients, polling)


async def test_four_processes_hear_of_one_another_through_a_pooler(
    database: Lease, scratch: Path, fresh_database: Dsn, tmp_path: Path
) -> None:
    await through_a_pooler(database, scratch, fresh_database, tmp_path, train=False)


@pytest.mark.heavy
async def test_four_processes_learn_once_through_a_pooler(
    database: Lease, scratch: Path, fresh_database: Dsn, tmp_path: Path
) -> None:
    await through_a_pooler(database, scratch, fresh_database, tmp_path, train=True)
