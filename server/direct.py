"""The verbs of the tools as methods, for programs that have no use for MCP."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from learners.errors import InvalidFacts, NotStored
from server.host import host
from server.running import running
from server.settings import Settings, load
from tools.admin import Requested, Served
from tools.answers import Answer
from tools.check_mixin_compatibility import CompatibilityAnswer
from tools.context import App
from tools.emerging_patterns import PatternsAnswer
from tools.generation_kpis import KpiAnswer
from tools.learning_status import StatusAnswer
from tools.pending_feedback import PendingAnswer
from tools.predict_generation_success import PredictionAnswer
from tools.rank_templates import RankingAnswer
from tools.recommend_mixins import RecommendationAnswer
from tools.record_feedback import FeedbackAnswer
from tools.route_generation import RouteAnswer
from tools.strict import StrictTool
from tools.surface import TOOLSETS, beside, tools

if TYPE_CHECKING:
    from learners.lifecycle import Lifecycle
    from storage.database import Database

HISTORY_SECONDS = 600.0


@cache
def named() -> Mapping[str, StrictTool]:
    """Return all tools, and what stands beside them, by name.

    Made when first asked for, because a server has its own.
    """
    return {tool.name: tool for tool in (*tools(TOOLSETS), *beside())}


def check(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a tool as it takes them.

    Raises:
        InvalidFacts: Naming the argument, what was expected and what is accepted.
    """
    tool = named()[name]
    try:
        return tool.fn_metadata.validate_arguments(dict(arguments))
    except ValidationError as error:
        raise InvalidFacts(tool.wrong(error)) from None


class Foresight:
    """Each method is the tool of its name, with the same checks; see its description.

    Methods raise `learners.errors.LearnerError` where a tool would return an error.
    """

    def __init__(self, app: App) -> None:
        """Speak for an app that runs."""
        self._app = app

    @property
    def lifecycle(self) -> "Lifecycle":
        """The lifecycle behind the verbs."""
        if self._app.made is None:
            raise NotStored("the learners are not loaded yet")
        return self._app.made

    async def check_mixin_compatibility(
        self, mixins: Sequence[str], node_type: str, project: str = ""
    ) -> CompatibilityAnswer:
        """Say whether mixins can be combined on a node."""
        answer = await self.call(
            "check_mixin_compatibility", mixins=list(mixins), node_type=node_type, project=project
        )
        return cast(CompatibilityAnswer, answer)

    async def recommend_mixins(
        self,
        node_type: str,
        required_capabilities: Sequence[str] = (),
        existing_mixins: Sequence[str] = (),
        k: int = 5,
        project: str = "",
    ) -> RecommendationAnswer:
        """Find mixins that serve a need and go with what is there."""
        answer = await self.call(
            "recommend_mixins",
            node_type=node_type,
            required_capabilities=list(required_capabilities),
            existing_mixins=list(existing_mixins),
            k=k,
            project=project,
        )
        return cast(RecommendationAnswer, answer)

    async def predict_generation_success(
        self, task_description: str = "", **details: str | float
    ) -> PredictionAnswer:
        """Say how a generation will turn out; ``details`` are the tool's other arguments."""
        answer = await self.call(
            "predict_generation_success", task_description=task_description, **details
        )
        return cast(PredictionAnswer, answer)

    async def route(
        self, task_description: str = "", *, by: str = "agent", margin: float = 0.02, **task: str
    ) -> RouteAnswer:
        """Say who does a generation for least; ``task`` says more of it."""
        answer = await self.call(
            "route_generation", task_description=task_description, by=by, margin=margin, **task
        )
        return cast(RouteAnswer, answer)

    async def pending(
        self, limit: int = 20, project: str = "", *, everywhere: bool = False
    ) -> PendingAnswer:
        """List answers of a project nobody has judged yet, the most telling first."""
        answer = await self.call(
            "pending_feedback", limit=limit, project=project, everywhere=everywhere
        )
        return cast(PendingAnswer, answer)

    async def kpis(self, weeks: int = 12, project: str = "") -> KpiAnswer:
        """Show by week what became of generations, and how well that was predicted."""
        return cast(KpiAnswer, await self.call("generation_kpis", weeks=weeks, project=project))

    async def patterns(self) -> PatternsAnswer:
        """List combinations that do better or worse than their parts promise."""
        return cast(PatternsAnswer, await self.call("emerging_patterns"))

    async def rank_templates(
        self,
        task_description: str,
        *,
        tags: Sequence[str] = (),
        candidates: Sequence[str] = (),
        k: int = 5,
        **details: str,
    ) -> RankingAnswer:
        """Put templates in order for a task; ``details`` are the tool's other arguments."""
        answer = await self.call(
            "rank_templates",
            task_description=task_description,
            tags=list(tags),
            candidates=list(candidates),
            k=k,
            **details,
        )
        return cast(RankingAnswer, answer)

    async def record_feedback(
        self, outcome: str, *, facts: Mapping[str, Any] | None = None, **details: str
    ) -> FeedbackAnswer:
        """Store what really happened; ``details`` are the tool's other arguments."""
        answer = await self.call(
            "record_feedback", outcome=outcome, facts=dict(facts or {}), **details
        )
        return cast(FeedbackAnswer, answer)

    async def learning_status(self, learner: str = "") -> StatusAnswer:
        """Say what was learned, and what is missing."""
        return cast(StatusAnswer, await self.call("learning_status", learner=learner))

    async def train(self, learner: str) -> Requested:
        """Ask for a training run."""
        return cast(Requested, await self.call("train", learner=learner))

    async def promote(self, learner: str, version: int) -> Served:
        """Serve a version."""
        return cast(Served, await self.call("promote", learner=learner, version=version))

    async def roll_back(self, learner: str) -> Served:
        """Serve what was served before."""
        return cast(Served, await self.call("roll_back", learner=learner))

    async def call(self, name: str, **arguments: Any) -> Answer:
        """Call a tool by its name.

        Raises:
            LearnerError: As the tool's error; `InvalidFacts` for wrong arguments.
        """
        valid = check(name, arguments)
        call = await self._app.call({})
        answer: Answer = await named()[name].fn(**valid, call=call)
        return answer


@asynccontextmanager
async def foresight(
    settings: Settings | None = None, *, worker: bool = False
) -> AsyncGenerator[Foresight, None]:
    """Open the database, load history, and speak for it while the block runs.

    Args:
        settings: Instead of those of the environment.
        worker: Whether this process trains, too.

    Raises:
        StorageError: The database cannot be opened; the text says what to do.
    """
    from storage.database import open_database

    settings = settings or load()
    database = await open_database(settings.where())

    async def opened() -> "Database":
        return database

    app = App(host=host(settings))
    async with running(app, settings, opened, worker=worker):
        await app.call({}, HISTORY_SECONDS)
        yield Foresight(app)
