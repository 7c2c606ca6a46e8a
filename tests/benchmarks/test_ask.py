"""What an answer costs in this process, without protocol or network."""

import time

import numpy as np
import pytest

from learners.catalog.mixin_compatibility import MIXINS
from learners.learner import AnyExample
from learners.registry import catalog
from learners.replay import log, replay
from learners.serving import Caller, Live

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

LEARNER = catalog()["mixin_compatibility"]
REMEMBERED = 20_000
ASKS = 2_000


def microseconds(values: list[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(np.array(values) * 1e6, [50, 99])
    return float(p50), float(p99)


@pytest.mark.parametrize("size", [2, 16])
def test_asking_is_cheap_with_a_long_history(size: int, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    examples: list[AnyExample] = [LEARNER.specimen(rng) for _ in range(REMEMBERED)]
    live = Live(LEARNER)
    live.fold = replay(LEARNER, log(examples))
    names = [mixin.name for mixin in MIXINS]
    query = LEARNER.query.model_validate({"mixins": names[:size], "node_type": "EFFECT"})
    caller, took = Caller(), list[float]()
    for _ in range(ASKS // size):
        start = time.perf_counter()
        live.ask(query, caller, 1.8e9, degraded=False)
        took.append(time.perf_counter() - start)
    p50, p99 = microseconds(took)
    with capsys.disabled():
        told = f"{size} mixins, {REMEMBERED} outcomes remembered"
        print(f"\nask, {told}: p50 {p50:.0f} us, p99 {p99:.0f} us")
    assert len(took) == ASKS // size
