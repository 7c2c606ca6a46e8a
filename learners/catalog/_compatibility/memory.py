"""What is remembered of combinations: counts by key, from the single pair up to everything.

Every observation is added to its own key and to all that stand above it (pair, component, words of
the name, context, all). To evict a key is therefore to leave it to its parents, which hold its
observations already. Counts are whole numbers of 1/1024 observations: what a correction takes back
is taken back exactly.

Counts do not decay: whether versions of things fit together does not change while they keep their
names, and the data at hand has no time along which a half-life could be measured. Where a pair does
change, `numerics.counts` gives way to fresh evidence of the pair itself.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from learners.catalog._compatibility.keys import SEPARATOR, Keys, KeysOf
from learners.catalog._compatibility.types import (
    CompatibilityOutcome,
    CompatibilityQuery,
    canonical,
    pairs_of,
)
from learners.learner import Event

UNIT = 1024
ELIGIBLE = 3 * UNIT  # tests of a pair in a context from which it counts as evidence (000-39)
NOTED_PAIRS = 2000
NOTES = 3

# The most keys of each level; the sum bounds the memory to about 45 MB.
LEVELS: Mapping[str, float] = {
    "all": inf,
    "context": inf,
    "component": 8_000,
    "component_context": 8_000,
    "stem": 8_000,
    "stem_context": 8_000,
    "word": 8_000,
    "pair": 20_000,
    "pair_context": 20_000,
    "project": 20_000,
    "half": 12_000,
    "stems": 12_000,
    "words": 12_000,
    "category": 1_000,
    "same": inf,
    "set": 4_000,
    "project_set": 4_000,
}
EVICTED = 16  # a sixteenth of a level at a time


@dataclass(slots=True)
class Note:
    """What somebody said about a combination; never shown to another project."""

    seq: int
    reason: str
    pattern: str


@dataclass(slots=True)
class CompatibilityMemory:
    """Counts by level and key, and the few texts.

    Attributes:
        counts: Level -> key -> [successes, failures] in 1/1024.
        labelled: Pair and context -> observations that are hand-made labels.
        notes: Project and components -> the newest notes.
        outcomes: Successes and failures told.
        eligible: Pairs and contexts with enough tests or a hand-made label.
    """

    counts: dict[str, dict[str, list[int]]] = field(
        default_factory=lambda: {level: {} for level in LEVELS}
    )
    labelled: dict[str, int] = field(default_factory=dict[str, int])
    notes: dict[str, list[Note]] = field(default_factory=dict[str, list[Note]])
    outcomes: int = 0
    eligible: int = 0


def set_key(mixins: tuple[str, ...], context: str, project: str = "") -> str:
    """Return the key of a set in a context; sets of one project apart from all."""
    return SEPARATOR.join((project, context, *mixins))


def note_key(mixins: tuple[str, ...], project: str) -> str:
    """Return the key under which texts about components are kept."""
    return SEPARATOR.join((project, *sorted(mixins)))


class Fold:
    """Folds events into a memory; ``keys`` is the memoised ``keys_of``."""

    def __init__(self, keys: KeysOf, *, ordered: bool) -> None:
        """Keep how keys are made."""
        self.keys = keys
        self.ordered = ordered

    def __call__(
        self,
        memory: CompatibilityMemory,
        event: Event[CompatibilityQuery, CompatibilityOutcome],
    ) -> None:
        """Take back what the event corrects, then add what it says."""
        if event.replaced is not None:
            self._add(memory, event.replaced, -1)
        self._add(memory, event, 1)

    def _add(
        self,
        memory: CompatibilityMemory,
        event: Event[CompatibilityQuery, CompatibilityOutcome],
        sign: int,
    ) -> None:
        query, outcome = event.query, event.outcome
        # A test is a test: the strength of its source decides which word stands, not how much.
        unit = UNIT * sign
        success, failure = outcome.success * unit, outcome.failure * unit
        memory.outcomes += sign * (outcome.success + outcome.failure)
        pairs = pairs_of(query.mixins, ordered=self.ordered)
        whole = len(query.mixins) > 2
        if whole:
            mixins = canonical(query.mixins, ordered=self.ordered)
            bump(memory, "set", set_key(mixins, query.node_type), success, failure)
            if query.project:
                key = set_key(mixins, query.node_type, query.project)
                bump(memory, "project_set", key, success, failure)
            failure = 0  # which pair is to blame is not known
        for pair in pairs:
            keys = self.keys(pair, query.node_type)
            self._add_pair(memory, keys, query.project, success, failure, outcome.label)
        if outcome.conflict_reason or outcome.resolution_pattern:
            _note(memory, note_key(query.mixins, query.project), event, sign)

    def _add_pair(
        self,
        memory: CompatibilityMemory,
        keys: Keys,
        project: str,
        success: int,
        failure: int,
        label: bool,
    ) -> None:
        if not success and not failure:
            return
        before = _eligible(memory, keys.pair_context)
        if label:
            labels = memory.labelled.get(keys.pair_context, 0) + (success + failure) // UNIT
            if labels > 0:
                memory.labelled[keys.pair_context] = labels
                _cap(memory.labelled, LEVELS["pair_context"])
            else:
                memory.labelled.pop(keys.pair_context, None)
        for level, key in keys.written:
            bump(memory, level, key, success, failure)
        if project:
            key = SEPARATOR.join((project, keys.pair_context))
            bump(memory, "project", key, success, failure)
        memory.eligible += _eligible(memory, keys.pair_context) - before


def bump(memory: CompatibilityMemory, level: str, key: str, success: int, failure: int) -> None:
    """Add to a key; a key without observations does not exist."""
    if not success and not failure:
        return
    cells = memory.counts[level]
    cell = cells.get(key)
    if cell is None:
        if success < 0 or failure < 0:
            return  # evicted since: nothing of it is left here to take back
        cells[key] = [success, failure]
        if len(cells) > LEVELS[level]:
            _evict(cells)
        return
    # Evicted and counted anew since, a key may hold less than is taken back.
    cell[0] = max(0, cell[0] + success)
    cell[1] = max(0, cell[1] + failure)
    if not cell[0] and not cell[1]:
        del cells[key]


def _evict(cells: dict[str, list[int]]) -> None:
    # By key where the weight is the same: what is forgotten must not depend on the order.
    weak = heapq.nsmallest(
        len(cells) // EVICTED, ((cell[0] + cell[1], key) for key, cell in cells.items())
    )
    for _, key in weak:
        del cells[key]


def _eligible(memory: CompatibilityMemory, key: str) -> int:
    cell = memory.counts["pair_context"].get(key)
    return int((cell is not None and cell[0] + cell[1] >= ELIGIBLE) or key in memory.labelled)


def _note(
    memory: CompatibilityMemory,
    key: str,
    event: Event[CompatibilityQuery, CompatibilityOutcome],
    sign: int,
) -> None:
    notes = [note for note in memory.notes.pop(key, []) if sign > 0 or note.seq != event.seq]
    if sign > 0:
        said = event.outcome
        notes.append(Note(event.seq, said.conflict_reason, said.resolution_pattern))
    if notes:
        memory.notes[key] = notes[-NOTES:]  # at the end: the oldest combination is first
        _cap(memory.notes, NOTED_PAIRS)


def _cap(kept: "dict[str, int] | dict[str, list[Note]]", most: float) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
