"""How long will this generation take, in seconds (spec 002, model 3)?

Learned and judged in logarithms: being wrong by half counts the same for seconds and for hours.
"""

from math import exp, log

from learners.catalog._generation.answering import EstimateAnswering
from learners.catalog._generation.features import Features
from learners.catalog._generation.fold import Unit
from learners.catalog._generation.learner import EstimateLearner, estimate_learner
from learners.catalog._generation.types import TimeOutcome
from learners.numerics.scoring import Scoring, absolute_error, median

SHORTEST = 1e-3  # seconds
USUAL = log(60.0)
LOG_ERROR = Scoring("absolute_error_of_log_seconds", "value", absolute_error, median)
UNIT = Unit(of=float, back=float, noise=0.5, centre=USUAL)


def _label(outcome: TimeOutcome) -> float | None:
    return None if outcome.seconds is None else log(max(SHORTEST, outcome.seconds))


LEARNER: EstimateLearner = estimate_learner(
    "generation_time",
    "How long will this generation take?",
    outcome=TimeOutcome,
    label=_label,
    unit=UNIT,
    scoring=LOG_ERROR,
    answering=EstimateAnswering(Features(UNIT), "longer", "shorter", exp),
    label_of=lambda seconds: log(max(SHORTEST, seconds)),
    specimen=lambda value: TimeOutcome(seconds=10 * value + 1, cost_usd=value / 100),
    cost=lambda outcome: outcome.cost_usd,
    upstream={"expected_complexity": "generation_complexity"},
)
