"""Rank, choose, tell: through the tools."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from served import NOWHERE, client, settings_for, text, url_of

from server.settings import Settings
from storage import catalog, decisions
from storage.database import Database, open_database
from storage.embedded import Dsn
from tools.rank_templates import RankedTemplate, RankingAnswer

pytestmark = pytest.mark.anyio

LEARNER = "template_ranking"
ENTRIES = {
    "REST endpoint": {"name": "REST endpoint", "text": "a handler with paging"},
    "Migration": {"name": "Migration", "text": "changes the schema of a database"},
    "React form": {"name": "React form", "text": "a form with validation"},
}


@pytest.fixture
async def settings(anyio_backend: str, fresh_database: Dsn, tmp_path: Path) -> Settings:
    """Settings of a server whose catalogue has three templates."""
    chosen = settings_for(url_of(fresh_database), tmp_path, toolsets="advise,feedback,admin")
    database = await open_database(chosen.where())
    await database.run(partial(catalog.put_all, learner=LEARNER, entries=ENTRIES))
    await database.close()
    return chosen


@pytest.fixture
async def asked(settings: Settings) -> AsyncIterator[Client]:
    async with client(settings) as connected:
        yield connected


async def rank(asked: Client, task: str = "a form with validation", **more: Any) -> dict[str, Any]:
    result = await asked.call_tool("rank_templates", {"task_description": task, **more})
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content
    return found


async def tell(asked: Client, outcome: str = "success", **more: Any) -> dict[str, Any]:
    result = await asked.call_tool("record_feedback", {"outcome": outcome, **more})
    assert not result.is_error, text(result)
    found: dict[str, Any] = result.structured_content
    return found


async def rows(settings: Settings, what: str) -> list[dict[str, Any]]:
    database: Database = await open_database(settings.where())
    read = {"decisions": decisions.export_decisions, "outcomes": decisions.export_outcomes}[what]
    found = [dict(row.items()) for row in await database.run(read)]
    await database.close()
    return found


async def test_templates_of_the_catalogue_are_put_in_order(asked: Client) -> None:
    found = await rank(asked, k=2)
    assert (found["source"], found["n"], found["version"]) == ("rules", 0, None)
    assert found["templates"][0]["name"] == "React form"
    assert (found["option"], found["propensity"], found["candidates"]) == ("React form", 1.0, 3)
    assert len(found["templates"]) == 2
    narrowed = await rank(asked, candidates=["Migration", "REST endpoint"])
    assert {each["name"] for each in narrowed["templates"]} == {"Migration", "REST endpoint"}


async def test_feedback_by_the_decision_id_says_which_was_used_from_what_list(
    asked: Client, settings: Settings
) -> None:
    found = await rank(asked)
    shown = [each["name"] for each in found["templates"]]
    facts = {"template": shown[1], "shown": shown, "quality": 8}
    told = await tell(asked, decision_id=found["decision_id"], facts=facts)
    assert (told["effect"], told["learners"]) == ("join", [LEARNER])
    again = await rank(asked)
    seen = {each["name"]: each["n"] for each in again["templates"]}
    assert seen == {shown[0]: 1, shown[1]: 1, shown[2]: 0}
    (row,) = await rows(settings, "outcomes")
    said = row["outcome"]
    assert (said["template"], said["shown"], row["option"]) == (shown[1], shown, shown[1])


async def test_without_facts_the_outcome_is_about_what_was_recommended(
    asked: Client, settings: Settings
) -> None:
    found = await rank(asked)
    await tell(asked, "failure", decision_id=found["decision_id"])
    assert (await rank(asked))["templates"][0]["n"] == 1
    decision, *_ = await rows(settings, "decisions")
    assert str(decision["id"]) == found["decision_id"]
    assert (decision["option"], decision["propensity"]) == ("React form", 1.0)
    (outcome,) = await rows(settings, "outcomes")
    assert outcome["option"] == "React form"


async def test_advice_that_was_not_followed_needs_the_name_of_what_was_used(asked: Client) -> None:
    found = await rank(asked)
    about = {"decision_id": found["decision_id"], "followed": "no"}
    result = await asked.call_tool("record_feedback", {"outcome": "success", **about})
    assert text(result).startswith("facts.template: expected the name of the template that was")
    await tell(asked, **about, facts={"template": "Migration"})
    seen = {each["name"]: each["n"] for each in (await rank(asked))["templates"]}
    assert seen["Migration"] == 1


async def test_plain_facts_teach_and_make_a_name_known(asked: Client) -> None:
    refused = await asked.call_tool(
        "rank_templates", {"task_description": "a form", "candidates": ["React from"]}
    )
    assert text(refused) == (
        "candidates: no template 'React from' is known; did you mean 'React form'? `foresight "
        "templates add` describes a new one; empty compares all 3"
    )
    facts = {"task_description": "a docker image", "template": "Dockerfile", "language": "Go"}
    for _ in range(5):
        await tell(asked, learner=LEARNER, facts=facts)
    found = await rank(asked, "a docker image", candidates=["Dockerfile"])
    assert (found["source"], found["n"]) == ("observed", 5)
    assert found["templates"][0]["probability"] > 0.5
    strange = await asked.call_tool(
        "rank_templates", {"task_description": "a form", "candidates": ["zzz"]}
    )
    assert text(strange) == (
        "candidates: no template 'zzz' is known; `foresight templates add` describes a new one; "
        "empty compares all 4"
    )


async def test_a_correction_moves_the_outcome_to_what_was_really_used(asked: Client) -> None:
    found = await rank(asked)
    first = await tell(asked, decision_id=found["decision_id"], key="k")
    assert first["effect"] == "join"
    corrected = await tell(
        asked, decision_id=found["decision_id"], corrects="k", facts={"template": "Migration"}
    )
    assert corrected["effect"] == "correction"
    seen = {each["name"]: each["n"] for each in (await rank(asked))["templates"]}
    assert seen["Migration"] == 1
    assert seen["React form"] == 1  # passed over now: it stood above


@pytest.mark.parametrize("mode", ["hash", "none"])
async def test_names_stay_where_texts_are_not_stored(settings: Settings, mode: str) -> None:
    chosen = settings.model_copy(update={"store_text": mode})
    async with client(chosen) as asked:
        found = await rank(asked)
        told = await tell(asked, decision_id=found["decision_id"], notes="it was fine")
        assert told["effect"] == "join"
    async with client(chosen) as asked:
        assert (await rank(asked))["templates"][0]["n"] == 1
    (row,) = await rows(settings, "outcomes")
    assert "fine" not in row["notes"]


async def test_while_the_database_is_away_named_candidates_are_ranked_by_their_names(
    tmp_path: Path,
) -> None:
    async with client(settings_for(NOWHERE, tmp_path)) as asked:
        found = await rank(asked, candidates=["Docker image", "React form"])
        assert found["degraded"]
        assert found["option"] == "React form"


def ranked(
    name: str, score: float, probability: float | None, n: int, source: Any, reason: str
) -> RankedTemplate:
    return RankedTemplate(
        name=name, score=score, probability=probability, n=n, source=source, reasons=(reason,)
    )


def test_the_text_of_an_answer_holds_every_fact_of_it() -> None:
    answer = RankingAnswer(
        decision_id="d",
        version=3,
        source="model",
        n=7,
        degraded=False,
        warnings=("retired: B",),
        reasons=("words in common",),
        option="A",
        propensity=0.925,
        candidates=9,
        templates=(
            ranked("A", 1.5, 0.81, 7, "model", "words in common"),
            ranked("B", -0.25, None, 0, "rules", "made for go"),
        ),
    )
    assert answer.words().splitlines() == [
        "First A, put there with chance 0.925, of 9 compared. From a trained model (version 3); "
        "source model, n = 7.",
        "1. A: probability 0.810, score 1.500, n = 7, model",
        "2. B: probability unknown, score -0.250, n = 0, rules; made for go",
        "Because: words in common",
        "Warning: retired: B",
        "decision_id d",
    ]
