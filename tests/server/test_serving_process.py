"""What is loaded in a process that serves a trained model to a client."""

import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rig import open_database
from served import PAIR, environment, url_of
from wire import Wire

from learners.registry import catalog
from learners.replay import Rows, asked, log, replay
from storage import versions
from storage.embedded import Dsn

LEARNER = catalog()["mixin_compatibility"]
TRAIN = {"sklearn", "lightgbm", "xgboost", "torch", "d3rlpy", "onnx", "skl2onnx", "onnxmltools"}
LIBRARIES = ("lightgbm", "xgboost", "sklearn", "torch", "tree_sitter")


def fitted(candidate: str) -> bytes:
    """Params of a candidate as a training run would make them."""
    rng = np.random.default_rng(0)
    entries = log([LEARNER.specimen(rng) for _ in range(100)])
    rows = Rows(LEARNER)
    replay(LEARNER, entries, asked(LEARNER, entries), rows.add)
    return LEARNER.dump(LEARNER.candidates[candidate](rows.table(), rng))


async def served(dsn: Dsn, params: bytes) -> None:
    """Register and promote a version."""
    database = await open_database(dsn)
    await database.run(partial(versions.ensure, learner=LEARNER.name))
    await database.run(
        partial(
            versions.register, learner=LEARNER.name, revision=LEARNER.revision,
            candidate="forest_xgboost", params=params, report={}, lineage={},
        )
    )  # fmt: skip
    await database.run(
        partial(versions.promote, learner=LEARNER.name, number=1, by="me", reason="test")
    )
    await database.close()


@pytest.mark.anyio
async def test_a_server_that_answers_by_a_model_has_loaded_no_library_that_trains_or_parses(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    await served(fresh_database, fitted("forest_xgboost"))
    env = environment(url_of(fresh_database), tmp_path, PYTHONPROFILEIMPORTTIME="1")
    with Wire(env, tmp_path) as wire:
        wire.initialize()
        until = time.monotonic() + 30
        while wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]["version"] != 1:
            assert time.monotonic() < until, wire.said()
        answer = wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]
        assert (answer["source"], bool(answer["reasons"])) == ("model", True)
        lines = [line for line in wire.said().splitlines() if line.startswith("import time:")]
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
        assert {"mcp", "onnxruntime", "asyncpg"} <= imported
        assert imported & TRAIN == set()
        assert [name for name in imported if name.startswith("tree_sitter")] == []
        maps = Path(f"/proc/{wire.process.pid}/maps")
        if maps.exists():
            mapped = maps.read_text("utf-8")
            assert "onnxruntime" in mapped
            assert [name for name in LIBRARIES if name in mapped] == []
