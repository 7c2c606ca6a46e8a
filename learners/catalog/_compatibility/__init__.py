"""The compatibility family: can these be combined here, learned from tests of combinations.

Reading order: `types`, `memory`, `features`, `candidates`, `answering`, `learner`.
"""

from learners.catalog._compatibility.learner import CompatibilityLearner, compatibility, recommender
from learners.catalog._compatibility.types import Catalogue, Component, Context

__all__ = [
    "Catalogue",
    "CompatibilityLearner",
    "Component",
    "Context",
    "compatibility",
    "recommender",
]
