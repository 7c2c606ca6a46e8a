"""Will this generation be accepted unmodified (spec 002, model 1)? And who should do it?"""

from learners.catalog._generation.features import Features
from learners.catalog._generation.learner import ONES, SuccessLearner, success_learner
from learners.catalog._generation.memory import GenerationMemory
from learners.catalog._generation.params import GenerationParams
from learners.catalog._generation.patterns import RATE, Pattern, emerging, enough
from learners.catalog._generation.routing import MARGIN, By, Route, Routing, route
from learners.catalog._generation.types import GenerationQuery

__all__ = [
    "LEARNER",
    "MARGIN",
    "RATE",
    "By",
    "GenerationQuery",
    "Pattern",
    "Route",
    "Routing",
    "emerging",
    "enough",
]

FEATURES = Features(ONES)

LEARNER: SuccessLearner = success_learner(
    "generation_success", "Will this generation be accepted unmodified?"
)


def routing(
    success: tuple[GenerationParams | None, GenerationMemory],
    costs: GenerationMemory,
    query: GenerationQuery,
    at: float,
    by: By = "agent",
    margin: float = MARGIN,
) -> Routing:
    """Return the cheapest agent or model within a margin of the best.

    Args:
        success: Params and memory of this learner.
        costs: Memory of the learner of time, which keeps what generations cost.
        at: Seconds since 1970.
    """
    return route(success, costs, FEATURES, query, at, by, margin)
