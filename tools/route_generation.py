"""The verb that says who does a generation for least, with everybody who was compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from tools.answers import Answer, Part, chance, listed
from tools.arguments import Lower, Project, TaskType
from tools.context import Call, Called
from tools.generation import (
    LEARNERS,
    Agent,
    Description,
    Framework,
    Key,
    Language,
    Model,
    Template,
    query_of,
)

if TYPE_CHECKING:
    from learners.catalog.generation_success import GenerationQuery, Routing

Of = Literal["agent", "model"]
By = Annotated[Of, Field(description="what is chosen"), Lower]
MARGIN = 0.02  # of the probability of success
Margin = Annotated[
    float,
    Field(ge=0, le=1, description="how much less success than the best's a lower cost may have"),
]


class Compared(Part):
    """Somebody who could do it."""

    name: str
    success: float = Field(description="probability of being accepted unmodified")
    n: int = Field(description="outcomes of its own")
    usd: float | None = Field(description="mean cost of a generation; null: too few are known")
    priced: int = Field(description="generations whose cost is known")

    def line(self) -> str:
        """Return every fact in one line."""
        cost = "cost unknown" if self.usd is None else f"${self.usd:.3f} over {self.priced}"
        return f"  {self.name}: success {chance(self.success)}, n = {self.n}; {cost}"


class RouteAnswer(Answer):
    """Who was compared, the best first, and who was chosen."""

    by: Of
    margin: float
    name: str | None = Field(description="null: cannot be said")
    reason: str
    compared: tuple[Compared, ...]
    degraded: bool
    warnings: tuple[str, ...]

    def words(self) -> str:
        """Return every fact as lines."""
        head = f"Route by {self.by}, margin {self.margin:g}: {self.name or 'nobody'}; {self.reason}"
        lines = [each.line() for each in self.compared]
        return "\n".join([head, *lines, *listed("Warning", self.warnings)])


async def route_generation(
    call: Called,
    by: By = "agent",
    margin: Margin = MARGIN,
    task_description: Description = "",
    task_type: TaskType = "other",
    language: Language = "",
    framework: Framework = "",
    agent: Agent = "",
    model: Model = "",
    template: Template = "",
    task_key: Key = "",
    project: Project = "",
) -> RouteAnswer:
    """Says which agent or model does a generation for least among those nearly as good as the best,
    from what past generations came to and cost."""  # noqa: D205, D209 - as those of the tools
    said = {
        "task_description": task_description,
        "task_type": task_type,
        "language": language,
        "framework": framework,
        "agent": agent,
        "model": model,
        "template": template,
        "task_key": task_key,
    }
    found = routed(call, query_of(call.by(project), said, {}), by, margin)
    return RouteAnswer(
        by=by,
        margin=margin,
        name=None if found.chosen is None else found.chosen.name,
        reason=found.reason,
        compared=tuple(
            Compared(name=each.name, success=each.probability, n=each.n, usd=each.usd,
                     priced=each.priced)
            for each in found.compared
        ),
        degraded=call.degraded,
        warnings=call.warnings,
    )  # fmt: skip


def routed(call: Call, query: GenerationQuery, by: Of, margin: float = MARGIN) -> Routing:
    """Return who should do it, from the memories of success and of cost."""
    from learners.catalog.generation_success import routing

    live, costs = (call.lifecycle.live(LEARNERS[name]) for name in ("success", "seconds"))
    return routing(
        (live.served[1], live.fold.memory),
        costs.fold.memory,
        query,
        call.lifecycle.now(),
        by,
        margin,
    )
