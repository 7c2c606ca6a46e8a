"""The public surface on one screen."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from mcp_types import ToolAnnotations

from tools.admin import promote, roll_back, train
from tools.check_mixin_compatibility import check_mixin_compatibility
from tools.emerging_patterns import emerging_patterns
from tools.generation_kpis import generation_kpis
from tools.learning_status import learning_status
from tools.pending_feedback import pending_feedback
from tools.predict_generation_success import predict_generation_success
from tools.rank_templates import rank_templates
from tools.recommend_mixins import recommend_mixins
from tools.record_feedback import record_feedback
from tools.route_generation import route_generation
from tools.strict import StrictTool, strict


def _hints(*, reads: bool, destroys: bool = False, repeats: bool = True) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=reads,
        destructive_hint=destroys,
        idempotent_hint=repeats,
        open_world_hint=False,
    )


READS: Final = _hints(reads=True)
ADDS: Final = _hints(reads=False, repeats=False)  # the same facts twice are two observations
REQUESTS: Final = _hints(reads=False)
REPLACES: Final = _hints(reads=False, destroys=True)
STEPS_BACK: Final = _hints(reads=False, destroys=True, repeats=False)


class Exposed(NamedTuple):
    """A tool, the set it belongs to, and how hosts present it."""

    toolset: str
    function: Callable[..., Any]
    title: str
    hints: ToolAnnotations


TOOLS: Final = (
    Exposed("advise", check_mixin_compatibility, "Check mixin compatibility", READS),
    Exposed("advise", recommend_mixins, "Recommend mixins", READS),
    Exposed("advise", predict_generation_success, "Predict generation success", READS),
    Exposed("advise", rank_templates, "Rank templates", READS),
    Exposed("feedback", record_feedback, "Record feedback", ADDS),
    Exposed("feedback", learning_status, "Learning status", READS),
    Exposed("admin", train, "Train a learner", REQUESTS),
    Exposed("admin", promote, "Promote a version", REPLACES),
    Exposed("admin", roll_back, "Roll back a learner", STEPS_BACK),
)
# What people and programs have beside the tools: a model's context would be spent on their schemas.
BESIDE: Final = (
    Exposed("advise", route_generation, "Route a generation", READS),
    Exposed("advise", emerging_patterns, "Emerging patterns", READS),
    Exposed("advise", pending_feedback, "Pending feedback", READS),
    Exposed("advise", generation_kpis, "KPIs of generations", READS),
)
TOOLSETS: Final = tuple(dict.fromkeys(tool.toolset for tool in TOOLS))
DEFAULT: Final = ("advise", "feedback")


def tools(toolsets: Iterable[str] = DEFAULT, *, read_only: bool = False) -> list[StrictTool]:
    """Return the tools of the given sets; with ``read_only`` those that change nothing."""
    wanted = set(toolsets)
    return [
        _strict(tool)
        for tool in TOOLS
        if tool.toolset in wanted and (tool.hints.read_only_hint or not read_only)
    ]


def beside() -> list[StrictTool]:
    """Return what is checked and answered as tools are, and served to no model."""
    return [_strict(tool) for tool in BESIDE]


def _strict(tool: Exposed) -> StrictTool:
    return strict(tool.function, tool.title, tool.hints)
