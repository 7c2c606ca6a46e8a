"""Answers of the generation family."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from learners.learner import Advice

Risk = Literal["low", "medium", "high", "very_high", "unknown"]
RISKS: tuple[tuple[float, Risk], ...] = ((0.85, "low"), (0.70, "medium"), (0.50, "high"))  # 002-85


class Adjustment(BaseModel):
    """A setting that did better than another one in past outcomes (002-88)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    setting: str
    why: str


class Success(Advice):
    """Whether the generation will be accepted unmodified."""

    probability: float | None = Field(description="that it is accepted unmodified")
    risk: Risk
    adjustments: tuple[Adjustment, ...] = ()


class Estimate(Advice):
    """A value with the interval in which nine of ten outcomes lie."""

    value: float | None
    low: float | None = None
    high: float | None = None


def risk_of(probability: float | None) -> Risk:
    """Return the level of a calibrated probability."""
    if probability is None:
        return "unknown"
    found: Risk = "very_high"
    for least, risk in reversed(RISKS):
        if probability >= least:
            found = risk
    return found
