"""What outcomes propose for the catalogue, and what they do not."""

from typing import Any

import numpy as np
import pytest

from learners.catalog._ranking.memory import RankingMemory, observe
from learners.catalog._ranking.types import RankingOutcome, RankingQuery
from learners.catalog.template_ranking import Proposal, Template, propose
from learners.learner import Event

TEMPLATES = tuple(Template(name=name) for name in ("A", "B", "C"))


def told(
    memory: RankingMemory, name: str, good: int, bad: int, *, passed: int = 0, **more: Any
) -> RankingMemory:
    """A template that served ``good`` and ``bad`` times, and was passed over before others."""
    query = RankingQuery.model_validate({"task_description": "x", **more})
    said = [("success", name, ())] * good + [("failure", name, ())] * bad
    over = [(("success", "failure")[i % 6 == 0], "B", (name, "B")) for i in range(passed)]
    for result, template, shown in [*said, *over]:
        outcome = RankingOutcome.model_validate(
            {"result": result, "template": template, "shown": shown}
        )
        observe(memory, Event(seq=1, query=query, outcome=outcome, known=1.0, asked=1.0))
    return memory


def found(memory: RankingMemory, templates: tuple[Template, ...] = TEMPLATES) -> list[Proposal]:
    return list(propose(memory, templates))


def test_what_serves_clearly_less_than_the_others_may_be_retired() -> None:
    memory = told(told(told(RankingMemory(), "A", 4, 26), "B", 24, 6), "C", 22, 8)
    (proposal,) = found(memory)
    assert (proposal.action, proposal.templates) == ("retire", ("A",))
    assert (proposal.own, proposal.other) == ((4, 30), (46, 60))
    assert proposal.apart.value == pytest.approx(4 / 30 - 46 / 60)
    assert proposal.apart.low < proposal.apart.high < 0
    assert proposal.reason.startswith("served 4 of 30, others 46 of 60: -0.63 [")


def test_few_uses_and_being_passed_over_retire_nothing() -> None:
    memory = told(told(RankingMemory(), "A", 0, 9), "B", 30, 0)
    assert found(memory) == []
    memory = told(told(RankingMemory(), "A", 20, 4, passed=200), "B", 30, 5)
    assert found(memory) == []


def test_a_template_for_harder_tasks_is_held_against_others_at_those_tasks() -> None:
    memory = told(RankingMemory(), "A", 6, 24, task_type="devops")
    told(memory, "B", 6, 24, task_type="devops")
    told(memory, "B", 60, 0, task_type="backend")
    assert [each.action for each in found(memory)] == ["split"]


def test_a_retired_template_is_not_proposed_again() -> None:
    memory = told(told(told(RankingMemory(), "A", 4, 26), "B", 24, 6), "C", 22, 8)
    assert found(memory, (Template(name="A", retired=True), *TEMPLATES[1:])) == []


def test_templates_that_say_the_same_and_do_the_same_may_be_merged() -> None:
    text = "a handler with paging for the orders of a customer"
    one, other = Template(name="REST endpoint", text=text), Template(name="REST route", text=text)
    templates = (one, other, Template(name="Form", text="validates an address"))
    memory = RankingMemory()
    for each in templates:
        told(memory, each.name, 20, 5)
    (proposal,) = found(memory, templates)
    assert (proposal.action, proposal.templates) == ("merge", ("REST endpoint", "REST route"))
    assert proposal.apart.low < 0 < proposal.apart.high
    assert proposal.reason.startswith("texts alike (0.")
    elsewhere = (one, Template(name="REST route", text=text, language="go"), templates[2])
    assert found(memory, elsewhere) == []  # made for another language
    told(memory, "REST endpoint", 0, 60)
    assert [each.action for each in found(memory, templates)] == ["retire"]


def test_a_template_that_serves_one_kind_of_task_only_may_be_split() -> None:
    memory = told(RankingMemory(), "A", 28, 2, language="python")
    told(memory, "A", 3, 27, language="go")
    (proposal,) = [each for each in found(memory) if each.action == "split"]
    assert proposal.by in ("language python", "language go")
    assert proposal.templates == ("A",)
    assert f"for {proposal.by}: served" in proposal.reason
    told(memory, "B", 20, 10, language="python")
    told(memory, "B", 21, 9, language="go")
    assert {each.templates for each in found(memory)} == {("A",)}


def test_among_many_templates_that_are_equal_chance_alone_proposes_next_to_nothing() -> None:
    rng, proposals, histories = np.random.default_rng(0), 0, 40
    names = [f"T{i}" for i in range(20)]
    templates = tuple(Template(name=name) for name in names)
    for _ in range(histories):
        memory = RankingMemory()
        for name in names:
            for kind in ("backend", "testing"):
                good = int(rng.binomial(20, 0.6))
                cell = [good, 20 - good, 0]
                memory.cells["task_type"][f"{name}\t{kind}"] = cell
                total = memory.cells["template"].setdefault(name, [0, 0, 0])
                memory.cells["template"][name] = [a + b for a, b in zip(total, cell, strict=True)]
        proposals += bool(found(memory, templates))
    assert proposals / histories <= 0.15
