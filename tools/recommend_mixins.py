"""The tool that finds mixins for a need."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from tools.answers import Advised, Part, chance
from tools.arguments import MixinName, Project, plain
from tools.check_mixin_compatibility import NodeType
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
    list[MixinName], Field(max_length=15, description="mixins the node has already")
]
Count = Annotated[int, Field(ge=1, le=10, description="how many to return")]


class Recommended(Part):
    """A mixin that serves the need and goes with what is there."""

    name: str
    probability: float | None
    n: int
    covers: tuple[str, ...]
    reasons: tuple[str, ...]


class RecommendationAnswer(Advised):
    """Mixins, best first."""

    recommendations: tuple[Recommended, ...]
    uncovered: tuple[str, ...] = Field(description="capabilities that no known mixin serves")

    def words(self) -> str:
        """Return every fact as a few lines."""
        lines = [
            f"{place}. {each.name}: probability {chance(each.probability)}, n = {each.n}"
            + (f", covers {', '.join(each.covers)}" if each.covers else "")
            + (f" ({'; '.join(each.reasons)})" if each.reasons else "")
            for place, each in enumerate(self.recommendations, 1)
        ]
        missing = [f"Not covered: {', '.join(self.uncovered)}"] if self.uncovered else []
        found = f"{len(self.recommendations)} mixins found." if lines else "No mixin fits."
        return "\n".join([f"{found} {self.evidence()}", *lines, *missing, *self.remarks()])


async def recommend_mixins(
    node_type: NodeType,
    call: Called,
    required_capabilities: Capabilities = [],  # noqa: B006 - only read; the schema shows it
    existing_mixins: Existing = [],  # noqa: B006
    k: Count = 5,
    project: Project = "",
) -> RecommendationAnswer:
    """Finds mixins that serve the needed capabilities and go with those already on the node,
    best first, each with its probability and n. To judge a set you have in mind, use
    check_mixin_compatibility."""  # noqa: D205, D209 - shown to a model as it stands
    raise NotImplementedError
