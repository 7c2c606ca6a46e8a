"""Random questions with a simple truth: templates whose words the task has serve better."""

import numpy as np

from learners.catalog._ranking.types import (
    TASK_TYPES,
    RankingOutcome,
    RankingQuery,
    Template,
    named,
)
from learners.learner import Example

TOPICS = ("rest endpoint", "database migration", "unit test", "docker image", "react form")
LIKED = 0.55  # how often a template about something else serves all the same, at best


def specimen(rng: np.random.Generator) -> Example[RankingQuery, RankingOutcome]:
    """Return an example; some are judged pairs, others were chosen from a list."""
    topic = str(rng.choice(TOPICS))
    many = 1 if rng.random() < 0.1 else int(rng.integers(2, 6))
    names = [str(name) for name in rng.permutation(TOPICS)[:many]]
    query = RankingQuery(
        task_description=f"add a {topic} for case {rng.integers(9)}",
        task_type=TASK_TYPES[int(rng.integers(len(TASK_TYPES)))],
        language=str(rng.choice(["", "python", "go"])),
        candidates=tuple(_candidate(name, rng) for name in names),
        project=str(rng.choice(["", "one", "another"])),
        user=str(rng.choice(["", "ann"])),
    )
    shown = named(query.candidates)
    taken = topic.title() if topic.title() in shown and rng.random() < 0.7 else shown[-1]
    serves = rng.random() < (0.9 if taken == topic.title() else LIKED * len(taken) / 20)
    asked = float(rng.uniform(1.7e9, 1.8e9))
    return Example(
        query=query,
        outcome=RankingOutcome(
            result="success" if serves else "failure" if rng.random() < 0.5 else "neutral",
            template=taken,
            shown=shown if rng.random() < 0.8 else (),
            quality=float(rng.integers(11)) if rng.random() < 0.3 else None,
            seconds=float(rng.integers(90)) if rng.random() < 0.3 else None,
        ),
        asked=asked,
        known=asked + float(rng.uniform(1, 3600)),
    )


def _candidate(name: str, rng: np.random.Generator) -> str | Template:
    if rng.random() < 0.5:
        return name.title()
    return Template(
        name=name.title(), text=f"makes a {name}", language=str(rng.choice(["", "python"]))
    )
