"""The columns of the compatibility family: what is known beforehand, and what was told earlier.

A row is about a pair or, with ``is_set``, about all components together. Columns up to the history
depend on catalogue and names alone and are memoised. History comes from the memory and therefore
from earlier records only (X-01); the pair's own counts are left out of every rate but its own.
"""

from collections.abc import Sequence
from math import log, log1p
from typing import NamedTuple

import numpy as np

from learners.catalog._compatibility_memory import (
    SEPARATOR,
    UNIT,
    CompatibilityMemory,
    KeysOf,
    set_key,
)
from learners.catalog._compatibility_types import (
    WHOLE,
    Catalogue,
    CompatibilityQuery,
    Component,
    Context,
    Pair,
    canonical,
    pair_of,
    pairs_of,
)
from learners.learner import Option, Row
from learners.numerics.words import words

# What a rate is shrunk by, in observations of its parent.
COMPONENT, CONTEXT, WORD, PAIR = 3.0, 3.0, 6.0, 4.0
MOST_VOCABULARY = 48
MOST_NAMES = 32  # beyond, a column per name says less than the rates by name
MEMOISED = 4096

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
    "a_tests",
    "b_tests",
    "a_stem_tests",
    "b_stem_tests",
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


class Own(NamedTuple):
    """A pair's own counts: other contexts, this context in other projects, this project."""

    elsewhere: tuple[float, float]
    here: tuple[float, float]
    project: tuple[float, float]

    @property
    def n(self) -> int:
        """Observations of the pair in this context."""
        return round(sum(self.here) + sum(self.project))


class Features:
    """The feature code of one catalogue: a pure function with a memo."""

    def __init__(
        self, catalogue: Catalogue, contexts: Sequence[Context], keys: KeysOf, *, ordered: bool
    ) -> None:
        """Lay out the columns."""
        self.catalogue = catalogue
        self.contexts = {context.name: context for context in contexts}
        self.keys = keys
        self.ordered = ordered
        self.names = catalogue.shipped if len(catalogue.shipped) <= MOST_NAMES else ()
        self.vocabulary = _vocabulary(catalogue)
        sides = [*self._side_columns("a"), *self._side_columns("b")]
        self.columns = (
            *sides,
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
        place = {name: i for i, name in enumerate(self.columns)}
        self.place = place
        self.history = place[HISTORY[0]]
        self.sets = place[SETS[0]]
        self.past = place["historical_success_rate"]
        self.memo: dict[tuple[Pair, str], Row] = {}

    def __call__(
        self, memory: CompatibilityMemory, query: CompatibilityQuery, option: Option, at: float
    ) -> Row:
        """Return the row of an option; nothing here depends on the time of day."""
        del at
        if option is None or option == WHOLE:
            return self.whole(memory, query)
        return self.pair(memory, pair_of(option), query.node_type, query.project)

    def pair(self, memory: CompatibilityMemory, pair: Pair, context: str, project: str) -> Row:
        """Return the row of a pair."""
        known = self.memo.get((pair, context))
        if known is None:
            if len(self.memo) >= MEMOISED:
                self.memo.clear()
            known = self.memo[(pair, context)] = self._static(pair, context)
        row = known.copy()
        history, own = self._history(memory, pair, context, project)
        row[self.history : self.sets] = history
        s, f = own.here[0] + own.project[0], own.here[1] + own.project[1]
        t, g = s + own.elsewhere[0], f + own.elsewhere[1]
        row[self.past : self.past + 3] = (
            (s + PAIR / 2) / (s + f + PAIR),
            min(1.0, log1p(s + f) / log1p(100)),
            (t + PAIR / 2) / (t + g + PAIR),
        )
        return row

    def own(self, memory: CompatibilityMemory, pair: Pair, context: str, project: str) -> Own:
        """Return the pair's own counts."""
        keys = self.keys(pair, context)
        counts = memory.counts
        all_s, all_f = counts["pair"].get(keys.pair, NOTHING)
        here_s, here_f = counts["pair_context"].get(keys.pair_context, NOTHING)
        mine_s, mine_f = NOTHING
        if project:
            key = SEPARATOR.join((project, keys.pair_context))
            mine_s, mine_f = counts["project"].get(key, NOTHING)
        # A key evicted and counted anew may hold less than one below it: never below zero.
        return Own(
            (max(0, all_s - here_s) / UNIT, max(0, all_f - here_f) / UNIT),
            (max(0, here_s - mine_s) / UNIT, max(0, here_f - mine_f) / UNIT),
            (mine_s / UNIT, mine_f / UNIT),
        )

    def whole(self, memory: CompatibilityMemory, query: CompatibilityQuery) -> Row:
        """Return the row of all components together."""
        row = np.zeros(len(self.columns), dtype=np.float32)
        row[self.place[f"node_{query.node_type}"]] = 1.0
        pairs = pairs_of(query.mixins, ordered=self.ordered)
        rates = [self.expected(memory, pair, query.node_type, query.project) for pair in pairs]
        mixins = canonical(query.mixins, ordered=self.ordered)
        counts = memory.counts
        all_s, all_f = counts["set"].get(set_key(mixins, query.node_type), NOTHING)
        mine_s, mine_f = NOTHING
        if query.project:
            key = set_key(mixins, query.node_type, query.project)
            mine_s, mine_f = counts["project_set"].get(key, NOTHING)
        row[self.sets :] = (
            1.0,
            len(mixins),
            len(pairs),
            sum(log(rate) for rate in rates),
            log(min(rates)),
            max(0, all_s - mine_s) / UNIT,
            max(0, all_f - mine_f) / UNIT,
            mine_s / UNIT,
            mine_f / UNIT,
        )
        return row

    def expected(
        self, memory: CompatibilityMemory, pair: Pair, context: str, project: str
    ) -> float:
        """Return the pair's rate by counts alone: its own, shrunk to the base rate."""
        own = self.own(memory, pair, context, project)
        told_s, told_f = memory.counts["all"].get("", NOTHING)
        every = [own.elsewhere, own.here, own.project]
        s = max(0.0, told_s / UNIT - sum(cell[0] for cell in every))
        f = max(0.0, told_f / UNIT - sum(cell[1] for cell in every))
        rate = (s + 1.0) / (s + f + 2.0)
        for strength, cell in zip((2 * PAIR, PAIR, PAIR), every, strict=True):
            rate = (strength * rate + cell[0]) / (strength + cell[0] + cell[1])
        return rate

    def _history(
        self, memory: CompatibilityMemory, pair: Pair, context: str, project: str
    ) -> tuple[list[float], Own]:
        keys = self.keys(pair, context)
        own = self.own(memory, pair, context, project)
        counts = memory.counts
        here = counts["pair_context"].get(keys.pair_context, NOTHING)
        pair_cell = counts["pair"].get(keys.pair, NOTHING)
        less = (pair_cell[0] / UNIT, pair_cell[1] / UNIT)
        less_here = (here[0] / UNIT, here[1] / UNIT)

        every = counts["all"].get("", NOTHING)
        s, f = max(0.0, every[0] / UNIT - less[0]), max(0.0, every[1] / UNIT - less[1])
        base = (s + 1.0) / (s + f + 2.0)
        base_odds = log(base / (1.0 - base))

        stems, ones, stem_tests, tests, near, spoken, low = [], [], [], [], [], [], []
        stem_cells, component_cells = counts["stem"], counts["component"]
        near_cells, word_cells = counts["component_context"], counts["word"]
        for side in (0, 1):
            stem_rate, n = _rate(stem_cells.get(keys.stems[side], NOTHING), less, base, COMPONENT)
            stem_odds = log(stem_rate / (1.0 - stem_rate))
            stems.append(stem_odds - base_odds)
            stem_tests.append(log1p(n))
            rate, n = _rate(
                component_cells.get(keys.components[side], NOTHING), less, stem_rate, COMPONENT
            )
            odds = log(rate / (1.0 - rate))
            ones.append(odds - stem_odds)
            tests.append(log1p(n))
            cell = near_cells.get(keys.component_contexts[side], NOTHING)
            rate, _ = _rate(cell, less_here, rate, CONTEXT)
            near.append(log(rate / (1.0 - rate)) - odds)
            total, lowest = 0.0, 0.0
            for key in keys.words[side]:
                cell = word_cells.get(key, NOTHING)
                rate, _ = _rate(cell, less, base, WORD)
                moved = log(rate / (1.0 - rate)) - base_odds
                total += moved
                lowest = min(lowest, moved)
            spoken.append(total)
            low.append(lowest)

        def moved_by(level: str, key: str, minus: tuple[float, float], strength: float) -> float:
            rate, _ = _rate(counts[level].get(key, NOTHING), minus, base, strength)
            return log(rate / (1.0 - rate)) - base_odds

        both = [moved_by("words", key, less, PAIR) for key in keys.word_pairs]
        history = [
            *stems,
            *ones,
            *near,
            *spoken,
            *low,
            moved_by("context", context, less_here, CONTEXT),
            moved_by("stems", keys.stem_pair, less, PAIR),
            sum(both) / len(both) if both else 0.0,
            min(both, default=0.0),
            moved_by("half", keys.halves[0], less, PAIR),
            moved_by("half", keys.halves[1], less, PAIR),
            moved_by("category", keys.category, less, PAIR),
            *tests,
            *stem_tests,
            base_odds,
            *own.elsewhere,
            *own.here,
            *own.project,
        ]
        return history, own

    def _side_columns(self, side: str) -> list[str]:
        catalogue = self.catalogue
        counted = ["n_dependencies", "n_lifecycle_hooks"] if catalogue.counted else []
        return [
            *(f"{side}_is_{name}" for name in self.names),
            *(f"{side}_category_{category}" for category in catalogue.categories),
            *(f"{side}_{flag}" for flag in catalogue.flags),
            *(f"{side}_{count}" for count in counted),
            *(f"{side}_tag_{tag}" for tag in catalogue.tags),
        ]

    def _static(self, pair: Pair, context: str) -> Row:
        a, b = self.catalogue.get(pair[0]), self.catalogue.get(pair[1])
        where = self.contexts[context]
        stems = self.keys(pair, context).stems
        spoken = (set(words(a.name)), set(words(b.name)))
        values = [
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
        row = np.zeros(len(self.columns), dtype=np.float32)
        row[: len(values)] = values
        return row

    def _side(self, it: Component) -> list[float]:
        catalogue = self.catalogue
        counted = [len(it.dependencies), len(it.hooks)] if catalogue.counted else []
        return [
            *(name == it.name for name in self.names),
            *(category == it.category for category in catalogue.categories),
            *(flag in it.flags for flag in catalogue.flags),
            *counted,
            *(tag in it.tags for tag in catalogue.tags),
        ]


NOTHING: Sequence[int] = (0, 0)


def _rate(
    cell: Sequence[int], less: tuple[float, float], parent: float, strength: float
) -> tuple[float, float]:
    """Return the rate of a key without the pair's own counts, shrunk to its parent, and its n."""
    s = cell[0] / UNIT - less[0]
    f = cell[1] / UNIT - less[1]
    s = max(s, 0.0)
    f = max(f, 0.0)
    return (s + strength * parent) / (s + f + strength), s + f


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


def _vocabulary(catalogue: Catalogue) -> tuple[str, ...]:
    names = [set(words(name)) for name in catalogue.shipped]
    found: dict[str, int] = {}
    for name in names:
        for word in name:
            found[word] = found.get(word, 0) + 1
    common = catalogue.common_words()
    kept = sorted((-n, word) for word, n in found.items() if n > 1 and word not in common)
    return tuple(word for _, word in kept[:MOST_VOCABULARY])
