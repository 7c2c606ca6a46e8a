"""Model cards: what a version is, how it was judged, and what it goes by."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coins import LEARNER as COINS
from served import environment, foresight, settings_for, url_of

from learners import codec
from learners.replay import log
from learners.training import train
from server.app import foresight as opened
from storage import versions
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

NAME = "generation_success"
SHARES = {f"column{i:02d}": (20 - i) / 190 for i in range(20)}


def report(shares: dict[str, float]) -> Any:
    rng = np.random.default_rng(0)
    learner = replace(COINS, importance=lambda _: dict(reversed(shares.items())))
    result = train(learner, log([COINS.specimen(rng) for _ in range(300)]), None, rng)
    assert result.report is not None
    return codec.report_json(result.report)


async def registered(dsn: Dsn, directory: Path, *reports: Any) -> None:
    """Register versions with these reports; nobody serves them."""
    async with opened(settings_for(url_of(dsn), directory)) as verbs:
        for each in reports:
            await verbs.lifecycle.run(
                partial(
                    versions.register, learner=NAME, revision=1, candidate="additive",
                    params=b"", report=each, lineage={},
                )
            )  # fmt: skip


def test_a_report_names_what_the_chosen_candidate_goes_by_the_most_important_first() -> None:
    found = report({"rate": 0.25, "marked": 0.75})
    assert list(found["importance"].items()) == [("marked", 0.75), ("rate", 0.25)]
    assert report({})["importance"] == {}


async def test_a_card_shows_how_a_version_was_judged_and_its_ten_leading_columns(
    fresh_database: Dsn, tmp_path: Path
) -> None:
    old = report({})
    del old["importance"]  # as it was stored before
    await registered(fresh_database, tmp_path, report(SHARES), old)
    env = environment(url_of(fresh_database), tmp_path)
    shown = foresight(env, "card", NAME, "--version", "1")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"{NAME}: Will this generation be accepted unmodified?\n")
    assert "version 1 (additive), made 20" in shown.stdout
    assert " groups judged it" in shown.stdout
    assert "the best constant" in shown.stdout
    assert "column00" in shown.stdout
    assert "10.5%" in shown.stdout
    assert "column10" not in shown.stdout
    card = json.loads(foresight(env, "card", NAME, "--version", "1", "--json").stdout)
    assert list(card["importance"]) == [f"column{i:02d}" for i in range(10)]
    assert len(card["report"]["importance"]) == 20
    assert json.loads(foresight(env, "card", NAME, "--version", "2", "--json").stdout)[
        "importance"
    ] == {}  # fmt: skip
    none = foresight(env, "card", NAME).stdout
    assert none.endswith("no version is served\n")
    wrong = foresight(env, "card", NAME, "--version", "3")
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "foresight: version: expected one of 2, 1; got 3\n",
    )
