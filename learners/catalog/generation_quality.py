"""How good will the result of this generation be, from 0 to 10 (spec 002, model 4)?"""

from learners.catalog._generation.answering import EstimateAnswering
from learners.catalog._generation.features import Features
from learners.catalog._generation.fold import Unit
from learners.catalog._generation.learner import EstimateLearner, estimate_learner
from learners.catalog._generation.types import QualityOutcome
from learners.numerics.scoring import ABSOLUTE_ERROR

HIGHEST = 10.0
SPREAD = 3.0  # of scores; effects are learned in units of it
UNIT = Unit(
    of=lambda score: score / SPREAD,
    back=lambda value: max(0.0, min(HIGHEST, value * SPREAD)),
    noise=0.3,
    centre=HIGHEST / 2 / SPREAD,
)

LEARNER: EstimateLearner = estimate_learner(
    "generation_quality",
    "How good will the result be, from 0 to 10?",
    outcome=QualityOutcome,
    label=lambda outcome: outcome.quality,
    unit=UNIT,
    scoring=ABSOLUTE_ERROR,
    answering=EstimateAnswering(Features(UNIT), "better", "worse", float),
    label_of=float,
    specimen=lambda value: QualityOutcome(quality=value),
    upstream={
        "expected_success": "generation_success",
        "expected_complexity": "generation_complexity",
    },
)
