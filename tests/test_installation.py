"""A truly clean installation, by the newest libraries that fit and by the oldest we name."""

import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
import wheels
from served import PAIR, environment
from sizes import ROOT
from wheels import Installed

from learners.registry import catalog
from storage.embedded import locate, stop

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1500)]

LOWER = re.compile(r"([\w.-]+)[^;>]*>=([\d.]+)[^;]*(;.*)?")
NAMES = [
    "MixinCaching", "MixinLogging", "MixinMetrics", "MixinRetry", "MixinTimeout", "MixinAudit",
    "MixinSecurity", "MixinEventBus", "MixinTransaction", "MixinConnection", "MixinValidation",
    "MixinRepository",
]  # fmt: skip
FIT = """
import numpy as np
from learners.registry import catalog
from learners.replay import Rows, asked, log, replay

for learner in catalog().values():
    rng = np.random.default_rng(0)
    entries = log([learner.specimen(rng) for _ in range(100)])
    rows = Rows(learner)
    replay(learner, entries, asked(learner, entries), rows.add)
    for name, fit in learner.candidates.items():
        learner.load(learner.dump(fit(rows.table(), rng)))
        print(name)
"""
STATEFUL = {"MixinTransaction", "MixinConnection", "MixinRepository"}


def history() -> str:
    """Four tests of each of 66 pairs: those that keep state fail."""
    rows = [
        f"{a},{b},EFFECT,{0 if {a, b} & STATEFUL else 4},{4 if {a, b} & STATEFUL else 0}"
        for a, b in combinations(NAMES, 2)
    ]
    return "\n".join(["mixin_a,mixin_b,node_type,success_count,failure_count", *rows]) + "\n"


def newest() -> list[str]:
    """No constraints: what pip chooses today."""
    return []


def lowest() -> list[str]:
    """The lower bound of every direct dependency."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    found = list[str]()
    for line in tomllib.loads(text)["project"]["dependencies"]:
        match = LOWER.fullmatch(line)
        assert match, f"expected a lower bound: {line}"
        name, version, marker = match.groups()
        found.append(f"{name}=={version}{marker or ''}")
    return found


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A project of decoys beside an embedded database, which the end of the test removes."""
    yield wheels.decoys(tmp_path / "project")
    cluster = tmp_path / "data" / "postgres"
    base = locate(cluster).base
    stop(cluster)
    shutil.rmtree(base, ignore_errors=True)


@pytest.mark.parametrize("bounds", [newest, lowest])
def test_a_clean_installation_fits_every_candidate_and_answers_by_a_model(
    bounds: Callable[[], list[str]], elsewhere: Path, tmp_path: Path
) -> None:
    wheel = wheels.build(wheels.sources(tmp_path / "source"), tmp_path / "wheel")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(bounds()) + "\n", "utf-8")
    installed = Installed(tmp_path / "clean")
    installed.install("--constraint", str(constraints), str(wheel))
    env = environment("", tmp_path / "data", FORESIGHT_WORKER="off")

    def foresight(*words: str) -> str:
        return wheels.run([installed.script, *words], cwd=elsewhere, env=env)

    fitted = wheels.run([installed.python, "-P", "-c", FIT], cwd=elsewhere, env=env).split()
    assert fitted == [name for learner in catalog().values() for name in learner.candidates]
    assert foresight("--version").startswith("foresight ")
    assert "worker" in foresight("doctor")
    (elsewhere / "history.csv").write_text(history(), "utf-8")
    foresight("import", "mixins", "history.csv")
    run = json.loads(foresight("train", "mixin_compatibility", "--wait", "--json"))
    assert run["result"] in ("promoted", "rejected"), run["reason"]
    foresight("promote", run["learner"], str(run["number"]))
    ask = ("check-mixin-compatibility", *PAIR["mixins"], "--node-type", "EFFECT", "--json")
    answer = json.loads(foresight(*ask))
    assert (answer["source"], answer["version"]) == ("model", 1)
