"""For whom an outcome is: the learners behind a decision, or those that know of such facts."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import partial
from typing import Any

from learners import dividing
from learners.errors import InvalidFacts, NotStored, UnknownLearner, WrongInput
from learners.serving import Live
from learners.telling import About, Tell
from learners.wording import quoted
from storage import decisions, log
from storage.rows import DecisionRow

REMEMBERED = 5000  # decisions whose rows are kept in RAM, to spare a look-up when told
SECONDS = 10.0  # to wait for the database


@dataclass(slots=True)
class Addresses:
    """What one process knows of decisions and learners, to find out for whom an outcome is.

    Attributes:
        lives: The learners there are, by name.
        run: Does a unit of work with the database.
        ready: Waits for the database, for so many seconds.
    """

    lives: Mapping[str, Live]
    run: Callable[..., Awaitable[Any]]
    ready: Callable[[float], Awaitable[bool]]
    _recent: OrderedDict[str, list[DecisionRow]] = field(
        default_factory=OrderedDict[str, list[DecisionRow]]
    )

    def remember(self, row: DecisionRow) -> None:
        """Keep a decision's row for a while."""
        self._recent.setdefault(row.id, []).append(row)
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)

    def drop(self, learner: str) -> None:
        """Let the database say from now on which decisions of a learner there are."""
        for name, rows in list(self._recent.items()):
            left = [row for row in rows if row.learner != learner]
            if left:
                self._recent[name] = left
            else:
                del self._recent[name]

    def live(self, name: str) -> Live:
        """Return a learner's state.

        Raises:
            UnknownLearner: With the names there are.
        """
        try:
            return self.lives[name]
        except KeyError:
            names = ", ".join(self.lives)
            raise UnknownLearner(f"learner: expected one of {names}; got {quoted(name)}") from None

    async def of_decision(self, tell: Tell) -> list[About]:
        """Return the learners that gave an answer; nobody while the decision has not landed.

        Facts that say what was asked serve where the decision is missing.

        Raises:
            WrongInput: The learner that is named, or every one of them, is not there.
        """
        if tell.learner:
            self.live(tell.learner)
        found = await self._decision_rows(tell.decision_id)
        wanted = [row for row in found if tell.learner in ("", row["learner"])]
        names = ", ".join(row["learner"] for row in found)
        if found and not wanted:
            raise WrongInput(f"learner: this decision is of {names}; got {quoted(tell.learner)}")
        if wanted and not any(row["learner"] in self.lives for row in wanted):
            raise WrongInput(f"decision_id: it is of {names}, which this program does not have")
        if not wanted and tell.learner:
            learner = self.live(tell.learner).learner
            beside = {*learner.settings, dividing.CODE, *dividing.BESIDE_CODE}
            if set(dividing.asked(learner, tell.facts or {})) - beside:
                return [(learner, None)]
        return [
            (self.live(row["learner"]).learner, row)
            for row in wanted
            if row["learner"] in self.lives
        ]

    async def _decision_rows(self, decision_id: str) -> list[Mapping[str, Any]]:
        recent = self._recent.get(decision_id)
        if recent is not None:
            return [row.record() for row in recent]
        await self.ready(SECONDS)
        try:
            return list(await self.run(partial(decisions.read, decision_id=decision_id)))
        except NotStored as error:
            raise NotStored(f"not stored: {error} Repeat with the same key.") from error

    async def of_facts(self, tell: Tell) -> tuple[Tell, list[About]]:
        """Return for whom facts without a decision are, with all of the facts.

        Raises:
            WrongInput: There are none, they could be about several things, or they correct nothing.
        """
        steps = bool(tell.learner) and self.live(tell.learner).learner.steps
        if tell.corrects and (not (tell.facts and tell.learner) or steps):
            return await self._corrected(tell)
        if not tell.facts:
            raise InvalidFacts(
                "decision_id: expected the id of an answer, or learner and facts instead; "
                "got neither"
            )
        if tell.learner:
            return tell, [(self.live(tell.learner).learner, None)]
        learners = [live.learner for live in self.lives.values()]
        return tell, [
            (learner, None) for learner in dividing.meant(learners, tell.verdict, tell.facts)
        ]

    async def _corrected(self, tell: Tell) -> tuple[Tell, list[About]]:
        """Return a correction with what it leaves out of what it corrects."""
        found = await self.run(partial(log.by_key, key=tell.corrects))
        wanted = [row for row in found if tell.learner in ("", row["learner"])]
        if not wanted:
            raise WrongInput(
                f"corrects: expected the key of a stored outcome, got {quoted(tell.corrects)}"
            )
        learners = [self.live(row["learner"]).learner for row in wanted]
        together = all(learner.steps for learner in learners)
        if len(wanted) > 1 and not together:
            names = ", ".join(sorted(row["learner"] for row in wanted))
            raise WrongInput(f"learner: outcomes of {names} have this key; name one of them")
        if together or not tell.facts:
            tell = replaced(tell, facts={**wanted[0]["query"], **(tell.facts or {})})
        return tell, [(learner, None) for learner in learners]
