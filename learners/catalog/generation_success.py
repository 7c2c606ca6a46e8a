"""Will this generation be accepted unmodified (spec 002, model 1)?"""

from learners.catalog._generation.learner import SuccessLearner, success_learner

LEARNER: SuccessLearner = success_learner(
    "generation_success", "Will this generation be accepted unmodified?"
)
