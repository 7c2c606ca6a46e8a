"""The rows of the compatibility family: what is known beforehand, and what was told earlier.

A row is about a pair or, with ``is_set``, about all components together. Values up to the history
depend on catalogue and names alone and are memoised. History comes from the memory and therefore
from earlier records only (X-01); the pair's own counts are left out of every rate but its own.
"""

from collections.abc import Mapping, Sequence
from math import log, log1p
from typing import NamedTuple

import numpy as np

from learners.catalog._compatibility.columns import HISTORY, SETS, Columns
from learners.catalog._compatibility.keys import SEPARATOR, KeysOf
from learners.catalog._compatibility.memory import UNIT, CompatibilityMemory, set_key
from learners.catalog._compatibility.types import (
    WHOLE,
    Catalogue,
    CompatibilityQuery,
    Context,
    Pair,
    canonical,
    pair_of,
    pairs_of,
)
from learners.learner import Option, Row

# What a rate is shrunk by, in observations of its parent.
COMPONENT, CONTEXT, WORD, PAIR = 3.0, 3.0, 6.0, 4.0
MEMOISED = 4096
NOTHING: Sequence[int] = (0, 0)


class Own(NamedTuple):
    """A pair's own counts: other contexts, this context in other projects, this project.

    ``labels`` of those in this context are hand-made.
    """

    elsewhere: tuple[float, float]
    here: tuple[float, float]
    project: tuple[float, float]
    labels: int = 0

    @property
    def told(self) -> tuple[float, float]:
        """Successes and failures of the pair in this context."""
        return (self.here[0] + self.project[0], self.here[1] + self.project[1])

    @property
    def n(self) -> int:
        """Observations of the pair in this context."""
        return round(sum(self.told))


NEVER = Own((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))


class Features:
    """The feature code of one catalogue: a pure function with a memo."""

    def __init__(
        self, catalogue: Catalogue, contexts: Sequence[Context], keys: KeysOf, *, ordered: bool
    ) -> None:
        """Lay out the columns."""
        self.layout = Columns(catalogue, contexts)
        self.columns = self.layout.names
        self.keys = keys
        self.ordered = ordered
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
            known = np.zeros(len(self.columns), dtype=np.float32)
            values = self.layout.values(pair, context, self.keys(pair, context).stems)
            known[: len(values)] = values
            self.memo[(pair, context)] = known
        row = known.copy()
        history, own = self._history(memory, pair, context, project)
        row[self.history : self.sets] = history
        s, f = own.told
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
        cell = counts["pair"].get(keys.pair)
        if cell is None:
            return NEVER
        all_s, all_f = cell
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
            memory.labelled.get(keys.pair_context, 0),
        )

    def whole(self, memory: CompatibilityMemory, query: CompatibilityQuery) -> Row:
        """Return the row of all components together."""
        row = np.zeros(len(self.columns), dtype=np.float32)
        row[self.place[f"node_{query.node_type}"]] = 1.0
        pairs = pairs_of(query.mixins, ordered=self.ordered)
        rates = [self.expected(memory, pair, query.node_type, query.project) for pair in pairs]
        row[self.sets :] = (
            1.0,
            len(query.mixins),
            len(pairs),
            sum(log(rate) for rate in rates),
            log(min(rates)),
            *self.own_set(memory, query),
        )
        return row

    def own_set(self, memory: CompatibilityMemory, query: CompatibilityQuery) -> Sequence[float]:
        """Return successes and failures of the whole here: in other projects, in this one."""
        mixins = canonical(query.mixins, ordered=self.ordered)
        counts = memory.counts
        all_s, all_f = counts["set"].get(set_key(mixins, query.node_type), NOTHING)
        mine_s, mine_f = NOTHING
        if query.project:
            key = set_key(mixins, query.node_type, query.project)
            mine_s, mine_f = counts["project_set"].get(key, NOTHING)
        others = (max(0, all_s - mine_s), max(0, all_f - mine_f))
        return [count / UNIT for count in (*others, mine_s, mine_f)]

    def expected(
        self, memory: CompatibilityMemory, pair: Pair, context: str, project: str
    ) -> float:
        """Return the pair's rate by counts alone: its own, shrunk to the base rate."""
        own = self.own(memory, pair, context, project)
        told_s, told_f = memory.counts["all"].get("", NOTHING)
        every = (own.elsewhere, own.here, own.project)
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

        stems, ones, near, spoken, low = [], [], [], [], []
        stem_cells, component_cells = counts["stem"], counts["component"]
        near_cells, word_cells = counts["component_context"], counts["word"]
        for side in (0, 1):
            stem_rate = _rate(stem_cells.get(keys.stems[side], NOTHING), less, base, COMPONENT)
            stem_odds = log(stem_rate / (1.0 - stem_rate))
            stems.append(stem_odds - base_odds)
            rate = _rate(
                component_cells.get(keys.components[side], NOTHING), less, stem_rate, COMPONENT
            )
            odds = log(rate / (1.0 - rate))
            ones.append(odds - stem_odds)
            cell = near_cells.get(keys.component_contexts[side], NOTHING)
            rate = _rate(cell, less_here, rate, CONTEXT)
            near.append(log(rate / (1.0 - rate)) - odds)
            total, lowest = _said(word_cells, keys.words[side], less, base, base_odds)
            spoken.append(total)
            low.append(lowest)

        def moved_by(level: str, key: str, minus: tuple[float, float], strength: float) -> float:
            rate = _rate(counts[level].get(key, NOTHING), minus, base, strength)
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
            base_odds,
            *own.elsewhere,
            *own.here,
            *own.project,
        ]
        return history, own


def _said(
    cells: Mapping[str, Sequence[int]],
    words: Sequence[str],
    less: tuple[float, float],
    base: float,
    base_odds: float,
) -> tuple[float, float]:
    """Return by how much a name's words move the log odds: all of them, and the worst."""
    total, lowest = 0.0, 0.0
    for word in words:
        rate = _rate(cells.get(word, NOTHING), less, base, WORD)
        moved = log(rate / (1.0 - rate)) - base_odds
        total += moved
        lowest = min(lowest, moved)
    return total, lowest


def _rate(cell: Sequence[int], less: tuple[float, float], parent: float, strength: float) -> float:
    """Return the rate of a key without the pair's own counts, shrunk to its parent."""
    s, f = cell[0] / UNIT - less[0], cell[1] / UNIT - less[1]
    # Cheaper than max(), which is most of a row's time.
    s, f = s if s > 0.0 else 0.0, f if f > 0.0 else 0.0
    return (s + strength * parent) / (s + f + strength)
