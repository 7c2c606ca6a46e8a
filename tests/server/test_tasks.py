"""Training as a task: for clients that understand tasks, and from any process of a database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND
from served import NOWHERE, client, settings_for, text, url_of
from task_client import TASKS, Understood, about, begun

from learners.lifecycle import Lifecycle
from server.app import build, foresight
from storage import runs
from storage.embedded import Dsn
from tools.context import App

pytestmark = pytest.mark.anyio

LEARNER = "mixin_compatibility"
MISSING_CAPABILITY = -32021


@asynccontextmanager
async def understanding(dsn: Dsn, directory: Path, **given: Any) -> AsyncGenerator[Client, None]:
    """A client that understands tasks, of a server with the operator's tools."""
    settings = settings_for(url_of(dsn), directory, toolsets="feedback,admin", **given)
    async with client(settings, extensions=[Understood()]) as connected:
        yield connected


async def test_a_training_run_is_a_task_that_ends_with_the_tools_result(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with understanding(fresh_database, tmp_path, worker="inline") as asked:
        task = await begun(asked, "train", {"learner": LEARNER})
        assert task["resultType"] == "task"
        assert task["status"] == "working"
        assert "result" not in task
        with anyio.fail_after(60):
            while (seen := await about(asked, "tasks/get", task["taskId"]))["status"] == "working":
                await anyio.sleep(task["pollIntervalMs"] / 1000)
        assert seen["status"] == "completed"
        assert seen["resultType"] == "complete"
        assert seen["createdAt"] == task["createdAt"] <= seen["lastUpdatedAt"]
        found = seen["result"]["structuredContent"]
        assert (found["result"], found["request"]) == ("skipped", 1)
        status = await asked.call_tool("learning_status", {"learner": LEARNER})
        assert found["reason"] == status.structured_content["learners"][0]["last_run"]["reason"]
        assert found["reason"] in seen["result"]["content"][0]["text"]
        # an end is an end: it is not withdrawn, and another run changes nothing about it
        assert (await about(asked, "tasks/cancel", task["taskId"]))["resultType"] == "complete"
        assert await about(asked, "tasks/get", task["taskId"]) == seen


async def test_a_request_is_withdrawn_until_its_run_begins(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with (
        understanding(fresh_database, tmp_path) as asked,
        understanding(fresh_database, tmp_path) as elsewhere,
    ):
        task = await begun(asked, "train", {"learner": LEARNER})
        assert (await about(elsewhere, "tasks/get", task["taskId"]))["status"] == "working"
        await about(elsewhere, "tasks/cancel", task["taskId"])
        assert (await about(asked, "tasks/get", task["taskId"]))["status"] == "cancelled"
        later = await begun(asked, "train", {"learner": LEARNER})
        assert (await about(asked, "tasks/get", later["taskId"]))["status"] == "working"
        assert (await about(asked, "tasks/get", task["taskId"]))["status"] == "cancelled"


async def test_a_request_that_shares_its_run_is_not_withdrawn(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with understanding(fresh_database, tmp_path) as asked:
        first, second = [await begun(asked, "train", {"learner": LEARNER}) for _ in range(2)]
        for task in (first, second):
            await about(asked, "tasks/cancel", task["taskId"])
            assert (await about(asked, "tasks/get", task["taskId"]))["status"] == "working"


async def claimed(lifecycle: Lifecycle, lease: timedelta) -> tuple[Any, int]:
    """Begin the requested run as a worker does."""
    found = await lifecycle.run(partial(runs.claim, learner=LEARNER, owner="test", lease=lease))
    assert found is not None
    run = await lifecycle.run(partial(runs.start, learner=LEARNER, trigger="test", revision=1))
    return found[0], run


async def test_a_run_that_has_begun_goes_on_and_says_so(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with (
        understanding(fresh_database, tmp_path) as asked,
        foresight(settings_for(url_of(fresh_database), tmp_path)) as worker,
    ):
        task = await begun(asked, "train", {"learner": LEARNER})
        await claimed(worker.lifecycle, timedelta(minutes=1))
        await about(asked, "tasks/cancel", task["taskId"])
        seen = await about(asked, "tasks/get", task["taskId"])
        assert seen["status"] == "working"
        assert "goes on to its end" in seen["statusMessage"]


async def test_a_run_that_was_given_up_is_a_completed_task_with_an_error(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with (
        understanding(fresh_database, tmp_path) as asked,
        foresight(settings_for(url_of(fresh_database), tmp_path)) as worker,
    ):
        task = await begun(asked, "train", {"learner": LEARNER})
        token, run = await claimed(worker.lifecycle, timedelta(minutes=1))
        later = await begun(asked, "train", {"learner": LEARNER})
        await worker.lifecycle.run(
            partial(runs.fail, learner=LEARNER, token=token, wait=timedelta(0), given_up=1)
        )
        await worker.lifecycle.run(
            partial(runs.end, run=run, result="failed", reason="out of memory", settled=1)
        )
        seen = await about(asked, "tasks/get", task["taskId"])
        assert (seen["status"], seen["result"]["isError"]) == ("completed", True)
        assert "out of memory" in seen["result"]["content"][0]["text"]
        # what was asked for meanwhile is not lost
        assert (await about(asked, "tasks/get", later["taskId"]))["status"] == "working"
        await claimed(worker.lifecycle, timedelta(minutes=1))


async def test_without_the_extension_train_answers_with_a_plain_handle(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path, toolsets="admin")
    async with client(settings) as asked:
        result = await asked.call_tool("train", {"learner": LEARNER})
        assert result.structured_content["request"] == 1
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            with pytest.raises(MCPError) as caught:
                await about(asked, method, f"train:{LEARNER}:1:1700000000000", input_responses={})
            assert caught.value.code == MISSING_CAPABILITY
            assert TASKS in str(caught.value)


async def test_the_old_era_has_no_tasks(fresh_database: Dsn, tmp_path: Path) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path, toolsets="admin")
    async with client(settings, extensions=[Understood()], mode="legacy") as asked:
        result = await asked.call_tool("train", {"learner": LEARNER})
        assert result.structured_content["requested"]


@pytest.mark.parametrize(
    "task_id",
    [
        "",
        "train",
        "train:tea:1:1700000000000",
        f"train:{LEARNER}:1",
        f"train:{LEARNER}:7:1700000000000",
        f"train:{LEARNER}:-1:1700000000000",
        f"train:{LEARNER}:999999999999999999:1700000000000",
        "promote:1",
        "train:\0:1:1700000000000",
    ],
)
async def test_an_id_of_nothing_is_refused_by_name(
    fresh_database: Dsn, tmp_path: Path, task_id: str
) -> None:
    async with understanding(fresh_database, tmp_path) as asked:
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            with pytest.raises(MCPError) as caught:
                await about(asked, method, task_id, input_responses={})
            assert caught.value.code == INVALID_PARAMS
            assert str(caught.value).startswith("taskId: expected the id of a task")


async def test_answers_that_nobody_asked_for_are_acknowledged(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with understanding(fresh_database, tmp_path) as asked:
        task = await begun(asked, "train", {"learner": LEARNER})
        answer = await about(asked, "tasks/update", task["taskId"], input_responses={"x": {}})
        assert answer["resultType"] == "complete"
        assert (await about(asked, "tasks/get", task["taskId"]))["status"] == "working"


async def test_wrong_arguments_are_an_error_and_no_task(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    async with understanding(fresh_database, tmp_path) as asked:
        result = await asked.call_tool("train", {"learner": "tea"})
        assert result.is_error
        assert text(result).startswith("learner: expected one of")


async def test_a_server_without_training_knows_no_tasks(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path)
    async with client(settings, extensions=[Understood()]) as asked:
        assert not asked.server_capabilities.extensions
        with pytest.raises(MCPError) as caught:
            await about(asked, "tasks/cancel", f"train:{LEARNER}:1:1700000000000")
        assert caught.value.code == METHOD_NOT_FOUND


async def test_without_a_database_a_task_says_to_try_again(tmp_path: Path) -> None:
    settings = settings_for(NOWHERE, tmp_path, toolsets="admin")
    async with Client(build(settings, App()), extensions=[Understood()]) as asked:
        with pytest.raises(MCPError) as caught:
            await about(asked, "tasks/get", f"train:{LEARNER}:1:1700000000000")
        assert caught.value.code == INTERNAL_ERROR
        assert "try again" in str(caught.value)
