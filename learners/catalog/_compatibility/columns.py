"""The columns of the compatibility family, and those that catalogue and names alone decide."""

from collections.abc import Sequence

from learners.catalog._compatibility.keys import SEPARATOR
from learners.catalog._compatibility.types import Catalogue, Component, Context, Pair
from learners.numerics.words import words

MOST_VOCABULARY = 128
MOST_NAMES = 32  # beyond, a column per name says less than the rates by name

INTERACTIONS = (
    "same_category",
    "hook_overlap",
    "hook_conflict",
    "dep_overlap",
    "both_modify_state",
    "both_resource_intensive",
    "tag_overlap",
    "async_compatible",
    "historical_success_rate",
    "historical_total_tests",
    "historical_avg_compatibility",
    "category_tag_match",
    "high_conflict_potential",
    "total_dependencies",
    "involves_data_access",
)
AGREEMENT = ("same", "same_stem", "words_shared", "flags_shared", "flags_differ")
HISTORY = (
    "a_stem_rate",
    "b_stem_rate",
    "a_rate",
    "b_rate",
    "a_context_rate",
    "b_context_rate",
    "a_words_rate",
    "b_words_rate",
    "a_words_low",
    "b_words_low",
    "context_rate",
    "stems_rate",
    "words_rate",
    "words_low",
    "a_half_rate",
    "b_half_rate",
    "category_rate",
    "base",
)
OWN = (
    "elsewhere_success",
    "elsewhere_failure",
    "pair_success",
    "pair_failure",
    "project_success",
    "project_failure",
)
SETS = (
    "is_set",
    "set_size",
    "set_pairs",
    "set_log_rates",
    "set_log_lowest",
    "set_success",
    "set_failure",
    "set_project_success",
    "set_project_failure",
)


class Columns:
    """The layout of a row for one catalogue, and its part that never changes."""

    def __init__(self, catalogue: Catalogue, contexts: Sequence[Context]) -> None:
        """Lay out the columns."""
        self.catalogue = catalogue
        self.contexts = {context.name: context for context in contexts}
        self.shown = catalogue.shipped if len(catalogue.shipped) <= MOST_NAMES else ()
        # Where names have no column of their own, a word that only one name has stands for it:
        # what is its own is then not laid to the words and attributes that it shares.
        self.vocabulary = _vocabulary(catalogue, least=2 if self.shown else 1)
        self.names = (
            *self._side_columns("a"),
            *self._side_columns("b"),
            *(f"node_{name}" for name in self.contexts),
            *(f"node_{flag}" for flag in catalogue.context_flags),
            *INTERACTIONS,
            *AGREEMENT,
            *(f"{side}_word_{word}" for side in "ab" for word in self.vocabulary),
            *(f"{side}_described" for side in "ab"),
            *HISTORY,
            *OWN,
            *SETS,
        )

    def _side_columns(self, side: str) -> list[str]:
        catalogue = self.catalogue
        counted = ["n_dependencies", "n_lifecycle_hooks"] if catalogue.counted else []
        return [
            *(f"{side}_is_{name}" for name in self.shown),
            *(f"{side}_category_{category}" for category in catalogue.categories),
            *(f"{side}_{flag}" for flag in catalogue.flags),
            *(f"{side}_{count}" for count in counted),
            *(f"{side}_tag_{tag}" for tag in catalogue.tags),
        ]

    def values(self, pair: Pair, context: str, stems: Pair) -> list[float]:
        """Return the values of a pair's columns up to the history."""
        a, b = self.catalogue.get(pair[0]), self.catalogue.get(pair[1])
        where = self.contexts[context]
        spoken = (set(words(a.name)), set(words(b.name)))
        return [
            *self._side(a),
            *self._side(b),
            *(name == context for name in self.contexts),
            *(flag in where.flags for flag in self.catalogue.context_flags),
            *_interactions(a, b),
            a.name == b.name,
            _stem_of(stems[0]) == _stem_of(stems[1]),
            len(spoken[0] & spoken[1]) / max(1, len(spoken[0] | spoken[1])),
            len(a.flags & b.flags),
            len(a.flags ^ b.flags),
            *(word in spoken[0] for word in self.vocabulary),
            *(word in spoken[1] for word in self.vocabulary),
            a.described,
            b.described,
        ]

    def _side(self, it: Component) -> list[float]:
        catalogue = self.catalogue
        counted = [len(it.dependencies), len(it.hooks)] if catalogue.counted else []
        return [
            *(name == it.name for name in self.shown),
            *(category == it.category for category in catalogue.categories),
            *(flag in it.flags for flag in catalogue.flags),
            *counted,
            *(tag in it.tags for tag in catalogue.tags),
        ]


def _stem_of(key: str) -> str:
    return key.rpartition(SEPARATOR)[2]


def _interactions(a: Component, b: Component) -> list[float]:
    hooks = len(a.hooks & b.hooks)
    tags = len(a.tags & b.tags)
    category = a.category != "" and a.category == b.category
    both_state = "state_modifying" in a.flags and "state_modifying" in b.flags
    hungry = "resource_intensive" in a.flags and "resource_intensive" in b.flags
    conflict = hooks > 0 and both_state
    return [
        category,
        hooks,
        conflict,
        len(a.dependencies & b.dependencies),
        both_state,
        hungry,
        tags,
        ("async_safe" in a.flags) == ("async_safe" in b.flags),
        0.0,
        0.0,
        0.0,
        category and tags > 0,
        both_state and (hooks > 1 or len(a.hooks) + len(b.hooks) > 4),
        len(a.dependencies) + len(b.dependencies),
        "data_access" in (a.category, b.category),
    ]


def _vocabulary(catalogue: Catalogue, *, least: int) -> tuple[str, ...]:
    names = [set(words(name)) for name in catalogue.shipped]
    found: dict[str, int] = {}
    for name in names:
        for word in name:
            found[word] = found.get(word, 0) + 1
    common = catalogue.common_words()
    kept = sorted((-n, word) for word, n in found.items() if n >= least and word not in common)
    return tuple(word for _, word in kept[:MOST_VOCABULARY])
