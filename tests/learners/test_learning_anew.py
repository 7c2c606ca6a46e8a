"""Rows are forgotten while a training child works on them."""

import uuid
from functools import partial
from typing import Any

import anyio
import numpy as np
import pytest
from rig import running, trainers

from learners.lifecycle import Lifecycle
from learners.registry import catalog
from learners.serving import Caller
from learners.telling import Tell
from storage import erasures, runs, versions
from storage.embedded import Dsn
from storage.erasures import Scope

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

MIXINS = "mixin_compatibility"
LEARNER = catalog()[MIXINS]
COMMON, SECRET = Caller(project="common"), Caller(project="zebra")


def pairs(caller: Caller, count: int, seed: int) -> list[tuple[Tell, Caller]]:
    """Outcomes of pairs, of which those with a bad name fail."""
    rng = np.random.default_rng(seed)
    told = list[tuple[Tell, Caller]]()
    for _ in range(count):
        a, b = rng.choice(60, 2, replace=False).tolist()
        bad = min(a, b) % 3 == 0 or max(a, b) % 3 == 0
        named = {"mixins": [f"{'Bad' if n % 3 == 0 else 'Good'}Thing{n}" for n in (a, b)]}
        tell = Tell(
            learner=MIXINS,
            facts={**named, "node_type": "EFFECT", "project": caller.project},
            verdict="failure" if bad else "success",
        )
        told += [(tell, caller)] * 3
    return told


async def ended(lifecycle: Lifecycle, count: int) -> list[Any]:
    """Wait until so many runs have ended ; return them, oldest first."""
    with anyio.fail_after(90):
        while True:
            rows = await lifecycle.run(partial(runs.history, learner=MIXINS, limit=20))
            done = [row for row in reversed(rows) if row["result"] != "running"]
            if len(done) >= count:
                return done
            await lifecycle.stirred(0.2)


async def forget(lifecycle: Lifecycle, project: str) -> None:
    scope = Scope(project=project)
    await lifecycle.run(partial(erasures.erase, scope=scope, key=uuid.uuid4(), by="me"))


async def test_a_training_that_has_read_forgotten_rows_is_stopped_and_done_again_without_them(
    fresh_databases: tuple[Dsn, Dsn],
) -> None:
    told, never_told = fresh_databases
    async with (
        running(told, [LEARNER], train=True) as here,
        running(told, [LEARNER]) as there,
        running(never_told, [LEARNER]) as innocent,
    ):
        common = pairs(COMMON, 15, 0)
        await here.tell_all([*common[:20], *pairs(SECRET, 60, 1), *common[20:]])
        await innocent.tell_all(common)
        with anyio.fail_after(60):
            while not (children := trainers()):  # which have read the rows by now
                await anyio.sleep(0)
        await forget(there, "zebra")
        stopped, done = await ended(here, 2)
        assert (stopped["result"], stopped["reason"]) == ("failed", erasures.STOPPED)
        assert (done["result"], done["trigger"]) == ("skipped", erasures.ASKED)
        assert done["outcomes"] == len(common)
        assert not set(children) & set(trainers())
        assert await here.run(partial(versions.versions, learner=MIXINS)) == []
        async with running(told, [LEARNER]) as restarted:
            for each in (here, there, restarted):
                same_knowledge(each, innocent)


def same_knowledge(lifecycle: Lifecycle, innocent: Lifecycle) -> None:
    ours, theirs = (each.live(MIXINS).fold.memory for each in (lifecycle, innocent))
    assert ours == theirs
    for tell, caller in pairs(COMMON, 15, 0) + pairs(SECRET, 60, 1):
        assert tell.facts is not None
        query = LEARNER.query.model_validate({**tell.facts, "project": caller.project})
        said = [
            LEARNER.answer(None, memory, query, 0, np.random.default_rng(0))
            for memory in (ours, theirs)
        ]
        assert said[0] == said[1]
