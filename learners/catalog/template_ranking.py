"""Which template serves this task best (spec 002, model 5)?"""

from collections.abc import Mapping, Sequence
from typing import Any

from learners.catalog._ranking import RankingLearner, Template, ranking, template

from learners.catalog._ranking.types import TASK_TYPES, Ranked, TaskType

__all__ = [
    "LEARNER",
    "TASK_TYPES",

    "Ranked",
    "TaskType",
    "Template",

    "template",
    "templates",
]


def templates(entries: Sequence[Mapping[str, Any]]) -> tuple[Template, ...]:
    """Return the entries of the catalogue as templates; none is shipped.

    Raises:
        InvalidFacts: An entry does not describe one.
    """
    return tuple(map(template, entries))


LEARNER: RankingLearner = ranking(
    name="template_ranking", title="Which template serves this task best?"
)
