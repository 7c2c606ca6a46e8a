"""The operator's verbs: train, promote, roll back."""

from typing import Annotated

from pydantic import AfterValidator, Field

from tools.answers import Answer
from tools.arguments import plain
from tools.context import Called

Which = Annotated[
    str,
    Field(max_length=60, description="name of a learner, from learning_status"),
    AfterValidator(plain),
]
Number = Annotated[int, Field(ge=1, le=1_000_000, description="a version, from learning_status")]


class Requested(Answer):
    """A training run was asked for, or has ended."""

    learner: str
    requested: bool
    request: int = Field(description="number of the request; requests may share a run")
    result: str | None = Field(
        default=None, description="promoted, rejected or skipped; null: not ended yet"
    )
    reason: str = Field(default="", description="why it ended so")
    next: str

    def words(self) -> str:
        """Return what was done and how to watch it."""
        asked = f"A training run of {self.learner} is requested (request {self.request})"
        ended = f" and has ended: {self.result}, {self.reason}" if self.result else ""
        return f"{asked}{ended}.\n{self.next}"


class Served(Answer):
    """What is served now."""

    learner: str
    version: int | None = Field(description="served now; null: no version")
    previous: int | None = Field(description="served before")
    next: str

    def words(self) -> str:
        """Return what changed."""
        serves = f"{self.learner} serves {_version(self.version)}"
        if self.version == self.previous:
            return f"{serves} already; nothing changed.\n{self.next}"
        return f"{serves} now (was: {_version(self.previous, 'none')}).\n{self.next}"


def _version(number: int | None, none: str = "no version") -> str:
    return none if number is None else f"version {number}"


async def train(call: Called, learner: Which = "") -> Requested:
    """Asks for a training run in the background and returns at once; the gate decides whether
    its result is served. To serve a version that exists already, use promote."""  # noqa: D205, D209 - a model reads it
    learner = call.learner(learner)
    number = await call.lifecycle.request(learner, "asked for with train", manual=True)
    return Requested(
        learner=learner,
        requested=True,
        request=number,
        next="learning_status shows how it ended, as last_run, with the reason in words.",
    )


async def promote(version: Number, call: Called, learner: Which = "") -> Served:
    """Serves a version of a learner from now on, in every process, whatever the gate said of it.
    To go back to what was served before, use roll_back."""  # noqa: D205, D209 - a model reads it
    from learners import governing

    learner = call.learner(learner)
    by = call.caller.user or "operator"
    previous = await governing.promote(
        call.lifecycle, learner, version, by=by, reason="promoted by hand"
    )
    return Served(
        learner=learner,
        version=version,
        previous=previous,
        next="roll_back returns to what was served before.",
    )


async def roll_back(call: Called, learner: Which = "") -> Served:
    """Serves what a learner served before the last promotion, in every process. To choose a
    version by its number, use promote."""  # noqa: D205, D209 - a model reads it
    from learners import governing

    learner = call.learner(learner)
    by = call.caller.user or "operator"
    was, now = await governing.roll_back(
        call.lifecycle, learner, by=by, reason="rolled back by hand"
    )
    return Served(
        learner=learner,
        version=now,
        previous=was,
        next="promote with a version's number chooses another one.",
    )
