"""Generated code among the facts: it is measured, and it is nowhere unless that was opted for."""

import subprocess
import uuid
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest
import structlog
import wild
from coins import LEARNER as COINS
from coins import Toss
from generations import ASK, LEARNERS, NAMES
from rig import running

from learners.catalog._generation.types import ComplexityOutcome, GenerationQuery
from learners.errors import InvalidFacts
from learners.lifecycle import Lifecycle, Told
from learners.serving import Caller
from learners.telling import Tell
from storage import decisions
from storage.embedded import Dsn, Lease

pytestmark = pytest.mark.anyio

CALLER = Caller(project="p", user="ann")
COMPLEXITY = NAMES[0]
SECRET = wild.SECRETS[0]
CODE = f'''
class Zebra:
    """Stripes."""

    def count(self, stripes: list[int]) -> int:
        token = "{SECRET}"
        return sum(stripes) if token else 0
'''


def ask(lifecycle: Lifecycle, **more: Any) -> str:
    query = GenerationQuery.model_validate({**ASK, **more})
    return lifecycle.ask_together(NAMES, query, CALLER)[COMPLEXITY].id


async def tell(lifecycle: Lifecycle, event: str, word: Any = "pending", **facts: Any) -> Told:
    return await lifecycle.tell(Tell(decision_id=event, verdict=word, facts=facts), CALLER)


async def outcome(lifecycle: Lifecycle, learner: str = COMPLEXITY) -> dict[str, Any]:
    rows = await lifecycle.run(decisions.export_outcomes)
    (value,) = [row["outcome"] for row in rows if row["learner"] == learner]
    return dict(value)


def dumped(lease: Lease, dsn: Dsn) -> str:
    command = [
        lease.binaries.program("pg_dump"), "--data-only", "--inserts",
        "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], "-d", dsn["database"],
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def test_code_is_measured_and_then_gone(database: Lease, fresh_database: Dsn) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(fresh_database, LEARNERS) as lifecycle:
            event = ask(lifecycle)
            told = await tell(lifecycle, event, code=CODE, file_path="zoo.py", seconds=3)
            assert told.learners == (COMPLEXITY, NAMES[3])
            assert told.remark == ""
            value = await outcome(lifecycle)
            again = await tell(lifecycle, event, generated_code=CODE, file_path="zoo.py", seconds=3)
            assert again.effect == "duplicate"
            late = await tell(lifecycle, str(uuid.uuid4()), code=CODE, language="python")
            assert late.effect == "waiting"
    ComplexityOutcome.model_validate(value)
    measured = value["measured"]
    assert (measured["num_classes"], measured["num_functions"]) == (1, 1)
    assert (measured["cyclomatic_complexity"], measured["file_path"]) == (2, "zoo.py")
    assert measured["language"] == "python"
    assert "generated_code" not in value
    for place in (dumped(database, fresh_database), str(logs)):
        assert "Zebra" not in place
        assert "stripes" not in place


@pytest.mark.parametrize(("text", "kept"), [("redacted", True), ("hash", False), ("none", False)])
async def test_code_is_kept_without_its_secrets_where_that_was_opted_for(
    database: Lease, fresh_database: Dsn, text: Any, kept: bool
) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        lifecycle.store_code, lifecycle.store_text = True, text
        event = ask(lifecycle)
        await tell(lifecycle, event, code=CODE)
        late = str(uuid.uuid4())
        await tell(lifecycle, late, code=CODE, language="py")
        value = await outcome(lifecycle)
        assert ("class Zebra" in value.get("generated_code", "")) is kept
        await lifecycle.writer.flush(5)
        said = lifecycle.ask_together(NAMES, GenerationQuery.model_validate(ASK), CALLER)
        lifecycle.writer.decide(replace(said[COMPLEXITY].row, id=late))
        await lifecycle.writer.flush(5)
        assert await lifecycle.join_waiting() == 1
        rows = await lifecycle.run(decisions.generations)
        codes = {row["event_id"]: row["generated_code"] for row in rows}
        assert ("class Zebra" in (codes[event] or "")) is kept
        assert codes[late] == codes[event]
    everything = dumped(database, fresh_database)
    assert SECRET not in everything
    assert ("class Zebra" in everything) is kept


async def test_the_language_is_told_or_the_file_says_it_or_it_is_what_was_asked(
    fresh_database: Dsn,
) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        beside: list[tuple[dict[str, str], str]] = [
            ({}, "python"),
            ({"file_path": "a.ts"}, "typescript"),
            ({"file_path": "a.unknown"}, "python"),
            ({"file_path": "a.ts", "language": "go"}, "go"),
        ]
        for facts, expected in beside:
            event = ask(lifecycle)
            await tell(lifecycle, event, code="x = 1\n", **facts)
            rows = await lifecycle.run(decisions.export_outcomes)
            assert rows[-1]["outcome"]["measured"]["language"] == expected


async def test_what_cannot_be_measured_is_said_and_the_rest_is_stored(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        event = ask(lifecycle, language="cobol")
        told = await tell(lifecycle, event, code="ZEBRA", seconds=4)
        assert "the code is not measured: language 'cobol' is not known" in told.remark
        assert told.learners == (NAMES[3],)
        with pytest.raises(InvalidFacts, match=r"not known.*; outcome pending alone says nothing"):
            await tell(lifecycle, ask(lifecycle, language="cobol"), code="ZEBRA")
        broken = await tell(lifecycle, ask(lifecycle), code="def zebra(:\n")
        assert "syntax errors" in broken.remark
        assert "zebra" not in broken.remark
        assert broken.learners == (COMPLEXITY,)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"code": "x" * 200_001}, r"facts\.code: expected a text of at most 200000 characters"),
        ({"code": ["zebra"]}, r"facts\.code: expected a text"),
        ({"code": "zebra", "generated_code": "zebra"}, r"facts\.generated_code: is another name"),
        ({"code": "zebra", "file_path": 7}, r"facts\.file_path: expected a text"),
        ({"code": "zebra", "seconds": -1}, r"facts\.seconds: expected greater"),
        ({"code": "zebra", "colour": 1}, r"facts\.colour: is not a field"),
    ],
)
async def test_what_is_wrong_with_code_is_said_without_it(
    fresh_database: Dsn, facts: dict[str, Any], expected: str
) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        with pytest.raises(InvalidFacts, match=expected) as caught:
            await tell(lifecycle, ask(lifecycle), **facts)
        assert "zebra" not in str(caught.value)


async def test_learners_that_take_no_measures_are_told_no_code(fresh_database: Dsn) -> None:
    async with running(fresh_database, [COINS, *LEARNERS]) as lifecycle:
        decision = lifecycle.ask(COINS, Toss(coin="a"), CALLER)
        with pytest.raises(InvalidFacts, match=r"facts\.code: is not a field"):
            await tell(lifecycle, decision.id, "success", code="x = 1")
        event = ask(lifecycle)
        about_time = Tell(
            decision_id=event,
            learner=NAMES[3],
            verdict="pending",
            facts={"code": "x", "seconds": 1},
        )
        with pytest.raises(InvalidFacts, match=r"facts\.code: is not a field"):
            await lifecycle.tell(about_time, CALLER)


async def test_many_codes_are_measured_one_after_another(fresh_database: Dsn) -> None:
    async with running(fresh_database, LEARNERS) as lifecycle:
        tells = [
            Tell(
                learner=COMPLEXITY,
                verdict="pending",
                key=f"g{i}",
                facts={"language": language, "code": "x = 1\n" * (i + 1)},
            )
            for i, language in enumerate(["python", "cobol", "python"])
        ]
        with anyio.fail_after(30):
            told = await lifecycle.tell_all([(each, CALLER) for each in tells])
        assert [each.effect for each in told] == ["fact", "nothing", "fact"]
        assert "language 'cobol' is not known" in told[1].remark
        rows = await lifecycle.run(partial(decisions.generations))
        assert [row["lines_of_code"] for row in rows] == [1, 3]
