"""The tables of events and features that spec 002 names, as views over what was told."""

import hashlib
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generations import ASK, LEARNERS, NAMES, TASK
from rig import running

from learners.catalog._generation.types import GenerationQuery
from learners.lifecycle import Lifecycle
from learners.serving import Caller
from learners.telling import Tell
from storage import decisions
from storage.backup import dump, restore
from storage.embedded import Dsn, Lease

pytestmark = pytest.mark.anyio

CALLER = Caller(project="p", user="ann", session="s")
MONDAY = 1_767_571_200.0  # 2026-01-05T00:00:00Z
EVENTS = [
    "event_id", "task_id", "project_id", "user_id", "session_id", "started_at", "completed_at",
    "approved_at", "task_type", "task_description", "language", "framework", "agent_type",
    "model_used", "temperature", "max_tokens", "rag_enabled", "rag_examples_count",
    "rag_examples_ids", "rag_avg_similarity", "generated_code", "file_path", "lines_of_code",
    "cyclomatic_complexity", "num_functions", "num_classes", "has_type_hints", "has_docstrings",
    "has_tests", "self_review_score", "self_review_feedback", "user_action", "user_feedback",
    "modifications_requested", "final_quality_score", "generation_time_seconds", "tokens_used",
    "cost_usd", "success", "approved", "num_regenerations", "metadata",
]  # fmt: skip
VECTORS = [
    "event_id", "task_type", "task_type_encoded", "language", "language_encoded", "framework",
    "framework_encoded", "task_complexity_score", "task_description_length", "num_requirements",
    "num_technical_terms", "similar_tasks_success_rate", "agent_past_performance",
    "model_past_performance", "rag_examples_count", "rag_avg_quality", "rag_avg_similarity",
    "hour_of_day", "day_of_week", "project_maturity_days", "success", "quality_score",
    "time_seconds",
]  # fmt: skip
RATES = ("similar_tasks_success_rate", "agent_past_performance", "model_past_performance")


def ask(lifecycle: Lifecycle, **more: Any) -> str:
    query = GenerationQuery.model_validate({**ASK, **more})
    return lifecycle.ask_together(NAMES, query, CALLER)[NAMES[2]].id


async def tell(lifecycle: Lifecycle, event: str, word: Any, facts: Any = None, **more: Any) -> None:
    said = Tell(decision_id=event, verdict=word, facts=facts, **more)
    await lifecycle.tell(said, CALLER)


async def events(lifecycle: Lifecycle) -> dict[str, dict[str, Any]]:
    await lifecycle.writer.flush(5)
    rows = await lifecycle.run(decisions.generations)
    return {row["event_id"]: dict(row.items()) for row in rows}


async def vectors(lifecycle: Lifecycle) -> dict[str, dict[str, Any]]:
    await lifecycle.writer.flush(5)
    rows = await lifecycle.run(decisions.feature_vectors)
    return {row["event_id"]: dict(row.items()) for row in rows}


async def test_an_event_has_the_columns_of_the_spec_and_what_was_told(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        at = count()
        lifecycle.clock = lambda: MONDAY + next(at)
        event = ask(lifecycle, rag_examples=3, rag_similarity=0.5, task_key="t1")
        took = {
            "seconds": 12.5, "tokens": 900, "cost_usd": 0.25, "self_review": 8, "model": "small",
            "self_review_feedback": "fine", "metadata": {"rag_examples_ids": ["a", "b"]},
            "code": "def f(x: int) -> int:\n    return x\n", "file_path": "app/f.py",
        }  # fmt: skip
        await tell(lifecycle, event, "pending", took)
        (row,) = (await events(lifecycle)).values()
        assert list(row) == EVENTS
        assert (row["success"], row["approved"], row["num_regenerations"]) == (None, None, None)
        judged = {"quality": 9, "regenerations": 2, "modifications": "a name", "adjustments": ["x"]}
        await tell(lifecycle, event, "neutral", judged, notes="better names", source="human")
        (row,) = (await events(lifecycle)).values()
        times = [
            row.pop(name).timestamp() for name in ("started_at", "completed_at", "approved_at")
        ]
        assert times == sorted(times)
        assert times[0] >= MONDAY
        assert row.pop("task_description") == TASK.replace("ann@example.org", "[redacted]")
        assert row == {
            "event_id": event, "task_id": "t1", "project_id": "p", "user_id": "ann",
            "session_id": "s", "task_type": "backend", "language": "python", "framework": None,
            "agent_type": "coder", "model_used": "small", "temperature": 0.2, "max_tokens": None,
            "rag_enabled": True, "rag_examples_count": 3, "rag_examples_ids": ["a", "b"],
            "rag_avg_similarity": 0.5, "generated_code": None, "file_path": "app/f.py",
            "lines_of_code": 2, "cyclomatic_complexity": 1, "num_functions": 1, "num_classes": 0,
            "has_type_hints": True, "has_docstrings": False, "has_tests": False,
            "self_review_score": 8, "self_review_feedback": "fine", "user_action": "modify",
            "user_feedback": "better names", "modifications_requested": "a name",
            "final_quality_score": 9, "generation_time_seconds": 12.5, "tokens_used": 900,
            "cost_usd": 0.25, "success": False, "approved": True, "num_regenerations": 2,
            "metadata": {
                "rag_examples_ids": ["a", "b"], "adjustments": ["x"],
            },
        }  # fmt: skip


async def test_a_generation_is_one_row_from_its_start_to_its_correction(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        unanswered, rejected = ask(lifecycle), ask(lifecycle)
        await tell(lifecycle, rejected, "success", {"quality": 8}, source="human")
        await tell(lifecycle, rejected, "failure", source="human")
        await tell(lifecycle, rejected, "pending", {"self_review": 5})  # weaker, and all there is
        facts = {"task_description": "a form", "language": "sql", "seconds": 4, "quality": 2}
        await lifecycle.tell(Tell(verdict="success", facts=facts, key="g1"), CALLER)
        mend = Tell(verdict="neutral", facts={"quality": 6}, key="g2", corrects="g1")
        await lifecycle.tell(mend, CALLER)
        rows = await events(lifecycle)
        assert set(rows) == {unanswered, rejected, "g1"}
        assert rows[unanswered]["completed_at"] is None
        assert rows[unanswered]["user_action"] is None
        assert rows[rejected]["user_action"] == "reject"
        assert rows[rejected]["approved_at"] is None
        assert (rows[rejected]["final_quality_score"], rows[rejected]["self_review_score"]) == (
            8,
            5,
        )
        assert rows["g1"]["started_at"] is None
        assert (rows["g1"]["user_action"], rows["g1"]["final_quality_score"]) == ("modify", 6)
        assert rows["g1"]["generation_time_seconds"] == 4


async def test_a_feature_vector_has_the_columns_of_the_spec(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        lifecycle.clock = lambda: MONDAY
        first = ask(lifecycle)
        lifecycle.clock = lambda: MONDAY + 36 * 3600
        words = "- the payment must be real-time\n" + "x" * 500
        event = ask(
            lifecycle, task_description=words, framework="fastapi", utc_offset=-90,
            rag_examples=2, rag_quality=7.5, rag_similarity=0.25,
        )  # fmt: skip
        await tell(lifecycle, event, "success", {"quality": 9, "seconds": 3})
        rows = await vectors(lifecycle)
        row = rows[event]
        assert list(row) == VECTORS
        assert set(rows) == {first, event}  # not only of successes
        codes = [row.pop(f"{name}_encoded") for name in ("task_type", "language", "framework")]
        assert all(isinstance(code, int) and code > 0 for code in codes)
        assert rows[first]["task_type_encoded"] == codes[0]
        assert rows[first]["framework_encoded"] == 0
        assert row == {
            "event_id": event, "task_type": "backend", "language": "python",
            "framework": "fastapi", "task_complexity_score": 5 + 2 * 0.5 + 1,
            "task_description_length": len(words), "num_requirements": 2, "num_technical_terms": 0,
            "similar_tasks_success_rate": None, "agent_past_performance": None,
            "model_past_performance": None, "rag_examples_count": 2, "rag_avg_quality": 7.5,
            "rag_avg_similarity": 0.25, "hour_of_day": 10, "day_of_week": 1,
            "project_maturity_days": 1.5, "success": True, "quality_score": 9, "time_seconds": 3,
        }  # fmt: skip


async def test_the_rates_know_only_what_was_judged_strictly_before(fresh_database: Dsn) -> None:
    rng = np.random.default_rng(7)
    async with running(fresh_database, LEARNERS) as lifecycle:
        now = [MONDAY]
        lifecycle.clock = lambda: now[0]
        asked = dict[str, tuple[dict[str, str], float]]()
        judged = list[tuple[dict[str, str], float, bool]]()
        left = list[str]()
        for _ in range(120):
            now[0] += float(rng.integers(2))  # at the same moment, too
            if rng.random() < 0.5 or not left:
                said = {
                    name: str(rng.choice(["", "a", "b"])) for name in ("language", "agent", "model")
                }
                event = ask(lifecycle, **said)
                asked[event] = (said, now[0])
                left.append(event)
            else:
                event = left.pop(int(rng.integers(len(left))))
                word = str(rng.choice(["success", "neutral", "failure"]))
                await tell(lifecycle, event, word)
                judged.append((asked[event][0], now[0], word == "success"))
        rows = await vectors(lifecycle)
        assert set(rows) == set(asked)
        for event, (said, at) in asked.items():
            for column, name in zip(RATES, ("language", "agent", "model"), strict=True):
                past = [
                    good for other, when, good in judged if when < at and other[name] == said[name]
                ]
                known = past and (name == "language" or said[name])
                expected = pytest.approx(np.mean(past)) if known else None
                assert rows[event][column] == expected


async def test_words_keep_their_numbers_in_every_database(fresh_databases: tuple[Dsn, Dsn]) -> None:
    words, numbers = ("python", "fastapi", "Ж"), list[list[int]]()
    for dsn in fresh_databases:
        async with running(dsn, LEARNERS) as lifecycle:

            async def code(connection: Any, word: str) -> Any:
                return await connection.fetchval("select word_code($1)", word)

            numbers.append([await lifecycle.run(partial(code, word=word)) for word in words])
            assert await lifecycle.run(partial(code, word="")) == 0
    expected = [int(hashlib.sha256(word.encode()).hexdigest()[:7], 16) for word in words]
    assert numbers == [expected, expected]


async def test_views_and_steps_survive_a_dump(
    database: Lease, fresh_databases: tuple[Dsn, Dsn], tmp_path: Path
) -> None:
    old, new = fresh_databases
    async with running(old, LEARNERS) as lifecycle:
        event = ask(lifecycle)
        await tell(lifecycle, event, "pending", {"seconds": 3, "self_review": 4})
        await tell(lifecycle, event, "success", {"quality": 5})
        before = await events(lifecycle), await vectors(lifecycle)
        memory = lifecycle.live(NAMES[1]).fold.memory
    restore(new, dump(old, tmp_path / "one.dump", database.binaries), database.binaries)
    async with running(new, LEARNERS) as lifecycle:
        assert (await events(lifecycle), await vectors(lifecycle)) == before
        assert lifecycle.live(NAMES[1]).fold.memory == memory
