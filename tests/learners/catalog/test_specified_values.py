"""The values that the specification names, as tables (000-12 to 000-36, 000-54 to -61, 000-78)."""

import numpy as np
import pytest

from learners.catalog._compatibility.models import decided
from learners.catalog._compatibility.types import level_of
from learners.catalog.mixin_compatibility import CATALOGUE, CONTEXTS, LEARNER
from learners.replay import log, replay
from learners.serving import Live

NAMES = {
    "infrastructure": "Caching Logging Metrics HealthCheck EventBus",
    "resilience": "Retry CircuitBreaker Timeout RateLimiter",
    "business": "Validation Security Authorization Audit",
    "data_access": "Transaction Connection Repository",
}
ORDER = [f"Mixin{name}" for group in NAMES.values() for name in group.split()]
PER_MIXIN = [
    *(f"is_{name}" for name in ORDER),
    *(f"category_{category}" for category in NAMES),
    "async_safe", "state_modifying", "resource_intensive", "n_dependencies", "n_lifecycle_hooks",
    *(f"tag_{tag}" for tag in ("cache", "resilience", "security", "database", "messaging")),
]  # fmt: skip
COLUMNS = [
    *(f"{side}_{name}" for side in "ab" for name in PER_MIXIN),
    "node_EFFECT", "node_COMPUTE", "node_REDUCER", "node_ORCHESTRATOR",
    "node_async_required", "node_state_modifying", "node_resource_intensive",
    "node_external_access",
    "same_category", "hook_overlap", "hook_conflict", "dep_overlap", "both_modify_state",
    "both_resource_intensive", "tag_overlap", "async_compatible", "historical_success_rate",
    "historical_total_tests", "historical_avg_compatibility", "category_tag_match",
    "high_conflict_potential", "total_dependencies", "involves_data_access",
]  # fmt: skip
PROFILES = {
    "EFFECT": {"async_required", "state_modifying", "external_access"},
    "COMPUTE": set[str](),
    "REDUCER": {"async_required", "state_modifying"},
    "ORCHESTRATOR": {"async_required"},
}


def row(a: str, b: str, node_type: str) -> dict[str, float]:
    """Return what is not zero of the 83 features of a pair nobody has told about."""
    memory = LEARNER.memory()
    query = LEARNER.query.model_validate({"mixins": [a, b], "node_type": node_type})
    (option,) = LEARNER.options(memory, query)
    values = LEARNER.features(memory, query, option, 0.0)
    return {n: float(v) for n, v in zip(COLUMNS, values, strict=False) if v}


def test_the_83_columns_stand_in_their_order_with_same_beside_them() -> None:
    assert len(COLUMNS) == 83
    assert list(LEARNER.columns[:84]) == [*COLUMNS, "same"]


def test_the_sixteen_mixins_have_their_categories() -> None:
    assert list(CATALOGUE.shipped) == ORDER
    for category, names in NAMES.items():
        for name in names.split():
            assert CATALOGUE.components[f"Mixin{name}"].category == category


def test_the_node_types_have_their_profiles() -> None:
    assert [context.name for context in CONTEXTS] == list(PROFILES)
    for context in CONTEXTS:
        assert set(context.flags) - {"resource_intensive"} == PROFILES[context.name]


def test_a_row_holds_the_characteristics_of_both_and_what_they_share() -> None:
    assert row("MixinCaching", "MixinTransaction", "EFFECT") == {
        "a_is_MixinCaching": 1, "a_category_infrastructure": 1, "a_async_safe": 1,
        "a_state_modifying": 1, "a_n_dependencies": 1, "a_n_lifecycle_hooks": 2, "a_tag_cache": 1,
        "b_is_MixinTransaction": 1, "b_category_data_access": 1, "b_state_modifying": 1,
        "b_resource_intensive": 1, "b_n_dependencies": 1, "b_n_lifecycle_hooks": 3,
        "b_tag_database": 1, "node_EFFECT": 1, "node_async_required": 1,
        "node_state_modifying": 1, "node_external_access": 1, "hook_overlap": 2,
        "hook_conflict": 1, "both_modify_state": 1, "historical_success_rate": 0.5,
        "historical_avg_compatibility": 0.5, "high_conflict_potential": 1,
        "total_dependencies": 2, "involves_data_access": 1,
    }  # fmt: skip


def test_a_row_of_one_category_counts_shared_tags_and_dependencies() -> None:
    shared = row("MixinConnection", "MixinTransaction", "COMPUTE")
    assert (shared["same_category"], shared["tag_overlap"], shared["dep_overlap"]) == (1, 1, 1)
    assert (shared["category_tag_match"], shared["both_resource_intensive"]) == (1, 1)
    assert shared["node_COMPUTE"] == 1
    assert "both_modify_state" not in shared


@pytest.mark.parametrize(
    ("probability", "level"),
    [
        (0.91, "highly_compatible"), (0.9, "compatible"), (0.7, "compatible"),
        (0.69, "uncertain"), (0.5, "uncertain"), (0.49, "incompatible"), (0.3, "incompatible"),
        (0.29, "highly_incompatible"), (None, "unknown"),
    ],
)  # fmt: skip
def test_a_probability_has_its_level(probability: float | None, level: str) -> None:
    assert level_of(probability) == level


def test_the_forest_decides_and_on_disagreement_only_above_six_tenths() -> None:
    forest = np.array([0.8, 0.2, 0.55, 0.65])
    boosting = np.array([0.9, 0.1, 0.1, 0.1])
    said = decided(forest, boosting)
    assert said[:2].tolist() == pytest.approx([0.8, 0.2])
    assert (said > 0.5).tolist() == [True, False, False, True]


def test_without_models_the_promoted_version_is_not_shown() -> None:
    rng = np.random.default_rng(0)
    fold = replay(LEARNER, log([LEARNER.specimen(rng) for _ in range(20)]))
    off, on = Live(LEARNER, models=False), Live(LEARNER)
    for live in (off, on):
        live.fold, live.version = fold, 3
    assert off.served == (None, None)
    assert on.served == (3, None)
