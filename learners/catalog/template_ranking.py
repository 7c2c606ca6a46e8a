"""Which template serves this task best (spec 002, model 5)?"""

from collections.abc import Mapping, Sequence
from typing import Any

from learners.catalog._ranking import RankingLearner, Template, ranking, template
from learners.catalog._ranking.memory import RankingMemory
from learners.catalog._ranking.proposals import Proposal, propose
from learners.catalog._ranking.types import TASK_TYPES, Ranked

__all__ = [
    "LEARNER",
    "TASK_TYPES",
    "Proposal",
    "Ranked",
    "Template",
    "known",
    "propose",
    "template",
    "templates",
]


def templates(entries: Sequence[Mapping[str, Any]]) -> tuple[Template, ...]:
    """Return the entries of the catalogue as templates; none is shipped.

    Raises:
        InvalidFacts: An entry does not describe one.
    """
    return tuple(map(template, entries))


def known(entries: Sequence[Mapping[str, Any]], memory: RankingMemory) -> tuple[str, ...]:
    """Return the names of templates that are described, or of which something was told."""
    return tuple(dict.fromkeys([*(entry["name"] for entry in entries), *memory.cells["template"]]))


LEARNER: RankingLearner = ranking(
    name="template_ranking", title="Which template serves this task best?"
)
