"""The tool that finds mixins for a need."""

from typing import Annotated

from pydantic import AfterValidator, Field

from learners.wording import count
from tools.answers import Advised, Part, Source, chance
from tools.arguments import MixinName, Project, plain
from tools.check_mixin_compatibility import NodeType, Verdict
from tools.context import Called

Capability = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(plain)]
Capabilities = Annotated[
    list[Capability],
    Field(
        max_length=10,
        description="what is needed, in words: a tag, category or name, e.g. cache, resilience",
    ),
]
Existing = Annotated[
    list[MixinName], Field(max_length=12, description="mixins the node has already")
]
UNASKED = "no capability was asked for (required_capabilities): these go with what is there"
Count = Annotated[int, Field(ge=1, le=10, description="how many to return")]


class Recommended(Part):
    """A mixin that serves the need and goes with what is there."""

    name: str
    probability: float | None = Field(description="that it works with all it would stand beside")
    verdict: Verdict = Field(description="of each pair with what it would stand beside")
    n: int
    source: Source
    covers: tuple[str, ...]
    chosen: bool = Field(description="part of the best set; otherwise an alternative")
    reasons: tuple[str, ...]

    def line(self) -> str:
        """Return every fact of the mixin in one line."""
        role = "best set" if self.chosen else "alternative"
        covers = f"; covers {', '.join(self.covers)}" if self.covers else ""
        others = [reason for reason in self.reasons if not reason.startswith("covers ")]
        reasons = f"; {'; '.join(others)}" if others else ""
        return (
            f"{self.name} ({role}): {self.verdict} pair by pair, probability of all together "
            f"{chance(self.probability)}, n = {self.n}, {self.source}{covers}{reasons}"
        )


class RecommendationAnswer(Advised):
    """Mixins to add: the best set first, then alternatives."""

    probability: float | None = Field(description="of the existing and the best set together")
    recommendations: tuple[Recommended, ...]
    uncovered: tuple[str, ...] = Field(description="capabilities that no known mixin serves")

    def words(self) -> str:
        """Return every fact as a few lines."""
        whole = f"probability of the whole {chance(self.probability)}"
        head = f"{self._found()} ({whole}). {self.evidence()}"
        missing = [f"Not covered: {', '.join(self.uncovered)}"] if self.uncovered else []
        lines = [each.line() for each in self.recommendations]
        return "\n".join([head, *lines, *missing, *self.remarks()])

    def _found(self) -> str:
        verdicts = [each.verdict for each in self.recommendations]
        fit = verdicts.count("compatible")
        if not verdicts:
            return "No mixin fits"
        found = [count(fit, "mixin fits", "mixins fit") if fit else "No mixin is known to fit"]
        if unknown := verdicts.count("unknown"):
            found.append(f"for {unknown} it is unknown")
        if wrong := verdicts.count("incompatible"):
            found.append(f"{count(wrong, 'does', 'do')} not")
        return ", ".join(found)


async def recommend_mixins(
    node_type: NodeType,
    call: Called,
    required_capabilities: Capabilities = [],  # noqa: B006 - only read; the schema shows it
    existing_mixins: Existing = [],  # noqa: B006 - as above
    k: Count = 5,
    project: Project = "",
) -> RecommendationAnswer:
    """Finds mixins that serve the needed capabilities and go with those already on the node,
    best first, each with its probability and n. To judge a set you have in mind, use
    check_mixin_compatibility."""  # noqa: D205, D209 - a model reads it
    # here, so that the first reply does not wait for the learners
    import numpy as np

    from learners.catalog.mixin_compatibility import LEARNER, RecommendationQuery, recommending
    from learners.codec import validated

    caller = call.by(project)
    asked = {
        "node_type": node_type,
        "required_capabilities": required_capabilities,
        "existing_mixins": existing_mixins,
        "k": k,
        "project": caller.project,
    }
    query = validated(RecommendationQuery, asked, "query")
    recommend = recommending(call.lifecycle.live(LEARNER.name).added)
    decision = call.lifecycle.choose(
        LEARNER,
        caller,
        lambda _, params, memory, at: recommend(
            params, memory, query, at, np.random.default_rng(0)
        ),
    )
    return RecommendationAnswer(
        **decision.advice.model_dump(mode="json"),
        decision_id=decision.id,
        version=decision.version,
        warnings=(*call.warnings, *(() if required_capabilities else (UNASKED,))),
        degraded=decision.degraded or call.degraded,
    )
