"""Generations that were judged, as somebody tells them."""

from collections.abc import Iterator
from typing import Any

from learners.serving import Caller
from learners.telling import Tell

CALLER = Caller(project="here", user="somebody", session="s1")


def judged(
    n: int, good: int, *, cost: float | None = None, at: float | None = None, **task: Any
) -> Iterator[tuple[Tell, Caller]]:
    """Yield outcomes of n generations of which the first were accepted, each with its cost.

    Args:
        n: How many; each is of a task of its own.
        good: How many of them were accepted unmodified.
        cost: What each cost in USD; None: not told.
        at: When the first became known, in seconds since 1970, the others a minute apart.
        task: What was asked: agent, model, task_type, language, ...
    """
    for i in range(n):
        key = "-".join([*(str(value) for value in task.values()), str(i)])
        asked = {"task_key": key, "project": "here", **task}
        known = None if at is None else at + 60.0 * i
        verdict = "success" if i < good else "failure"
        yield (
            Tell(
                learner="generation_success",
                facts=asked,
                verdict=verdict,  # type: ignore[arg-type]  # one of the three
                source="human",
                known=known,
            ),
            CALLER,
        )
        if cost is not None:
            facts = {**asked, "seconds": 30.0, "cost_usd": cost}
            yield (
                Tell(learner="generation_time", facts=facts, verdict="success", known=known),
                CALLER,
            )
