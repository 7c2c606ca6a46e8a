"""The verb that lists combinations whose success departs from what their parts promise (002-05)."""

from pydantic import Field

from learners.wording import count
from tools.answers import Answer, Part, chance, listed
from tools.context import Called
from tools.generation import LEARNERS


class Departure(Part):
    """One combination."""

    what: str = Field(description="e.g. task_type=testing & model=m")
    n: int = Field(description="judged generations of it")
    rate: float = Field(description="share of them that was accepted unmodified")
    expected: float = Field(description="share that its parts promise")
    p: float = Field(description="chance of departing so far by luck, of this one alone")

    def line(self) -> str:
        """Return every fact in one line."""
        shown = f"{chance(self.rate)} where {chance(self.expected)} is expected"
        return f"  {self.what}: {shown}, n = {self.n}, p = {self.p:.3g}"


class PatternsAnswer(Answer):
    """What was found, the surest first."""

    patterns: tuple[Departure, ...]
    tested: int = Field(description="combinations with enough outcomes")
    false_share: float = Field(description="bound of the expected share of false ones among them")
    degraded: bool
    warnings: tuple[str, ...]

    def words(self) -> str:
        """Return every fact as lines."""
        found = count(len(self.patterns), "combination departs", "combinations depart")
        head = (
            f"{found} from what the parts promise, of {self.tested} tested; at most "
            f"{self.false_share:.0%} of such findings are expected to be false."
        )
        lines = [each.line() for each in self.patterns]
        return "\n".join([head, *lines, *listed("Warning", self.warnings)])


async def emerging_patterns(call: Called) -> PatternsAnswer:
    """Lists combinations of agent, model, template, kind of task, language and framework that do
    better or worse than their parts promise."""  # noqa: D205, D209 - as those of the tools
    from learners.catalog.generation_success import RATE, emerging, enough

    memory = call.lifecycle.live(LEARNERS["success"]).fold.memory
    return PatternsAnswer(
        patterns=tuple(Departure(**each._asdict()) for each in emerging(memory)),
        tested=len(enough(memory)),
        false_share=RATE,
        degraded=call.degraded,
        warnings=call.warnings,
    )
