"""Can these mixins be combined on this node type (spec 000)?"""

from collections.abc import Mapping, Sequence
from typing import Any

from learners.catalog._compatibility import (
    CompatibilityLearner,
    compatibility,
    recommender,
)
from learners.catalog._compatibility.recommending import (
    Recommendation,
    RecommendationQuery,
    Recommendations,
    Recommending,
)
from learners.catalog._compatibility.types import Catalogue, Component, Context

__all__ = [
    "CATALOGUE",
    "LEARNER",
    "NODE_TYPES",
    "Recommendation",
    "RecommendationQuery",
    "Recommendations",
    "recommending",
]

NODE_TYPES = ("EFFECT", "COMPUTE", "REDUCER", "ORCHESTRATOR")
CATEGORIES = ("infrastructure", "resilience", "business", "data_access")
FLAGS = ("async_safe", "state_modifying", "resource_intensive")
TAGS = ("cache", "resilience", "security", "database", "messaging")


def _mixin(
    name: str,
    category: str,
    hooks: str,
    *,
    tags: str = "",
    needs: str = "",
    asynchronous: bool = True,
    state: bool = False,
    heavy: bool = False,
) -> Component:
    holds = {"async_safe": asynchronous, "state_modifying": state, "resource_intensive": heavy}
    return Component(
        name=f"Mixin{name}",
        category=category,
        flags=frozenset(flag for flag, on in holds.items() if on),
        dependencies=frozenset(needs.split()),
        hooks=frozenset(hooks.split()),
        tags=frozenset(tags.split()),
    )


# state: keeps state of its own between calls, or changes that of others. A handle on a database
# belongs to one task: not safe under async by itself.
MIXINS = (
    _mixin("Caching", CATEGORIES[0], "before after", tags="cache", needs="cache", state=True),
    _mixin("Logging", CATEGORIES[0], "before after error"),
    _mixin("Metrics", CATEGORIES[0], "before after error"),
    _mixin("HealthCheck", CATEGORIES[0], "start"),
    _mixin(
        "EventBus", CATEGORIES[0], "start after stop", tags="messaging", needs="broker", state=True
    ),
    _mixin("Retry", CATEGORIES[1], "error", tags="resilience"),
    _mixin("CircuitBreaker", CATEGORIES[1], "before after error", tags="resilience", state=True),
    _mixin("Timeout", CATEGORIES[1], "before error", tags="resilience"),
    _mixin("RateLimiter", CATEGORIES[1], "before after", tags="resilience", state=True),
    _mixin("Validation", CATEGORIES[2], "before"),
    _mixin("Security", CATEGORIES[2], "before", tags="security", heavy=True),
    _mixin("Authorization", CATEGORIES[2], "before", tags="security"),
    _mixin("Audit", CATEGORIES[2], "after error", tags="security"),
    _mixin(
        "Transaction",
        CATEGORIES[3],
        "before after error",
        tags="database",
        needs="database",
        asynchronous=False,
        state=True,
        heavy=True,
    ),
    _mixin(
        "Connection",
        CATEGORIES[3],
        "start stop",
        tags="database",
        needs="database",
        asynchronous=False,
        heavy=True,
    ),
    _mixin("Repository", CATEGORIES[3], "start", tags="database", needs="database", state=True),
)

CATALOGUE = Catalogue(
    components={mixin.name: mixin for mixin in MIXINS},
    shipped=tuple(mixin.name for mixin in MIXINS),
    categories=CATEGORIES,
    flags=FLAGS,
    tags=TAGS,
    context_flags=("async_required", "state_modifying", "resource_intensive", "external_access"),
    prefix="Mixin",
)

CONTEXTS = (
    Context(
        name="EFFECT", flags=frozenset({"async_required", "state_modifying", "external_access"})
    ),
    Context(name="COMPUTE"),
    Context(
        name="REDUCER", flags=frozenset({"async_required", "state_modifying", "resource_intensive"})
    ),
    Context(name="ORCHESTRATOR", flags=frozenset({"async_required"})),
)


def recommending(entries: Sequence[Mapping[str, Any]] = ()) -> Recommending:
    """Return what recommends mixins, those that the user has added among them."""
    return recommender(CATALOGUE, CONTEXTS, ordered=False, entries=entries)


LEARNER: CompatibilityLearner = compatibility(
    CATALOGUE, CONTEXTS, ordered=False, title="Can these mixins be combined on this node type?"
)
