"""How complex is this task (spec 002, model 2)?

Told as it was judged afterwards, or measured of the generated code: the logarithm to base 2 of one
more than the sum of its cyclomatic complexities, which is 3 for 7 decisions and 10 for 1023.
"""

from math import expm1, log1p, log2

from learners.catalog._generation.answering import EstimateAnswering
from learners.catalog._generation.features import Features
from learners.catalog._generation.fold import Unit
from learners.catalog._generation.learner import EstimateLearner, estimate_learner
from learners.catalog._generation.types import ComplexityOutcome
from learners.numerics.scoring import ABSOLUTE_ERROR

GUESS = "rule of thumb, not an estimate: {:.1f} of 10 by kind, words and length"


def learner(highest: float = 10.0) -> EstimateLearner:
    """Return the learner on a scale from 0 to ``highest`` (story points have another one)."""
    unit = Unit(
        of=log1p,
        back=lambda value: max(0.0, min(highest, expm1(min(value, 20.0)))),
        noise=0.3,
        centre=log1p(highest / 2),
    )

    def label(outcome: ComplexityOutcome) -> float | None:
        if outcome.complexity is not None:
            return min(highest, outcome.complexity)
        if outcome.measured is None:
            return None
        return min(highest, highest / 10 * log2(1 + outcome.measured.cyclomatic_complexity))

    return estimate_learner(
        "generation_complexity",
        "How complex is this task, from 0 to 10?",
        outcome=ComplexityOutcome,
        label=label,
        unit=unit,
        scoring=ABSOLUTE_ERROR,
        answering=EstimateAnswering(Features(unit), "more complex", "less complex", float, GUESS),
        label_of=float,
        specimen=lambda value: ComplexityOutcome(complexity=value),
    )


LEARNER = learner()
