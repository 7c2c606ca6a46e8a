"""The ranking family: which of these serves this task best, learned from what was then used.

Reading order: `types`, `labels`, `memory`, `features`, `candidates`, `answering`, `learner`.
"""

from learners.catalog._ranking.learner import RankingLearner, ranking
from learners.catalog._ranking.types import Template, template

__all__ = ["RankingLearner", "Template", "ranking", "template"]
