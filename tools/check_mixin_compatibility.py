"""The tool that says whether mixins go together."""

from typing import Annotated, Literal

from pydantic import Field

from tools.answers import Advised, Part, Source, chance, listed
from tools.arguments import MixinName, Project, Upper
from tools.context import Called

NodeType = Annotated[
    Literal["EFFECT", "COMPUTE", "REDUCER", "ORCHESTRATOR"],
    Field(description="kind of node they are combined on"),
    Upper,
]
Mixins = Annotated[
    list[MixinName],
    Field(min_length=2, max_length=16, description="names, e.g. MixinCaching; new ones are fine"),
]
Verdict = Literal["compatible", "incompatible", "unknown"]
Level = Literal[
    "highly_compatible",
    "compatible",
    "uncertain",
    "incompatible",
    "highly_incompatible",
    "unknown",
]


class PairAnswer(Part):
    """Two of the mixins."""

    a: str
    b: str
    verdict: Verdict
    probability: float | None
    level: Level
    n: int
    source: Source


class CompatibilityAnswer(Advised):
    """What is expected of the whole set, and of every pair in it."""

    verdict: Verdict
    probability: float | None = Field(description="that the next test of the whole set succeeds")
    level: Level
    pairs: tuple[PairAnswer, ...]
    suggestions: tuple[str, ...]

    def words(self) -> str:
        """Return every fact as a few lines."""
        head = f"{self.verdict} (probability {chance(self.probability)}, level {self.level})."
        pairs = [
            f"{pair.a} + {pair.b}: {pair.verdict}, probability {chance(pair.probability)}, "
            f"level {pair.level}, n = {pair.n}, {pair.source}"
            for pair in self.pairs
        ]
        advice = listed("Suggestion", self.suggestions)
        return "\n".join([f"{head} {self.evidence()}", *pairs, *advice, *self.remarks()])


async def check_mixin_compatibility(
    mixins: Mixins, node_type: NodeType, call: Called, project: Project = ""
) -> CompatibilityAnswer:
    """Says whether 2 to 16 mixins can be combined on a node: verdict and calibrated probability
    for the set and for each pair, with n, reasons and known fixes. To find mixins for a need,
    use recommend_mixins."""  # noqa: D205, D209 - a model reads it
    # here, so that the first reply does not wait for the learners
    from learners.catalog.mixin_compatibility import LEARNER
    from learners.codec import validated

    caller = call.by(project)
    asked = {"mixins": mixins, "node_type": node_type, "project": caller.project}
    query = validated(call.lifecycle.live(LEARNER.name).learner.query, asked, "query")
    decision = call.lifecycle.ask(LEARNER, query, caller)
    advice = decision.advice.model_dump(mode="json")
    advice["warnings"] = [*call.warnings, *advice["warnings"]]
    return CompatibilityAnswer(
        **advice,
        decision_id=decision.id,
        version=decision.version,
        degraded=decision.degraded or call.degraded,
    )
