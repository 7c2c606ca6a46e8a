"""What is remembered of templates: what was made of them when they were seen, and for which tasks.

Every rate is per time a template was seen, never per answer: being shown often is no merit (X-35).
All counts are whole numbers, so that a correction takes back exactly what it corrects, unless that
was evicted since: the smallest keys go first.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from learners.catalog._ranking.labels import labels, passed_over
from learners.catalog._ranking.types import UNKNOWN, RankingOutcome, RankingQuery
from learners.learner import Event

SEPARATOR = "\t"  # not printable, so in no name
ACCEPTED, REJECTED, PASSED = range(3)
NOTHING = (0, 0, 0)

# The most keys of each level; together with the tasks they bound the memory to about 45 MB.
LEVELS: Mapping[str, int] = {
    "all": 1,
    "template": 4_000,
    "task_type": 8_000,
    "language": 8_000,
    "project": 20_000,
    "user": 20_000,
}
EVICTED = 16  # a sixteenth of a level at a time
PERIOD = 14 * 86_400  # seconds over which recent outcomes are counted together
PERIODS = 6  # that are kept of a template
TOLD = 1_000  # templates whose tasks are remembered
TOLD_STEMS = 64  # of the tasks of one
ASKED = 20_000  # stems whose questions are counted
PARTS = 1024  # of a unit of quality or of a second


@dataclass(slots=True)
class RankingMemory:
    """Counts, bounded.

    Attributes:
        cells: Level -> key -> [accepted, not accepted, seen and passed over].
        recent: Template -> [period, accepted, not accepted] of the newest periods, by period.
        told: Template -> stem -> tasks that have it, [accepted, not accepted].
        asked: Stem -> tasks that have it, of ``questions`` in all.
        worth: Template -> [quality, times, seconds, times], in 1/1024.
        outcomes: Outcomes that said which template was used.
    """

    cells: dict[str, dict[str, list[int]]] = field(
        default_factory=lambda: {level: {} for level in LEVELS}
    )
    recent: dict[str, list[list[int]]] = field(default_factory=dict[str, list[list[int]]])
    told: dict[str, dict[int, list[int]]] = field(default_factory=dict[str, dict[int, list[int]]])
    asked: dict[int, int] = field(default_factory=dict[int, int])
    worth: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    questions: int = 0
    outcomes: int = 0


def keys_of(query: RankingQuery, name: str) -> Iterator[tuple[str, str]]:
    """Yield every level and key under which a template is counted for a question."""
    yield "all", ""
    yield "template", name
    if query.task_type != UNKNOWN:
        yield "task_type", SEPARATOR.join((name, query.task_type))
    if query.language:
        yield "language", SEPARATOR.join((name, query.language))
    if query.project:
        yield "project", SEPARATOR.join((query.project, name))
    if query.user:
        yield "user", SEPARATOR.join((query.user, name))


def observe(memory: RankingMemory, event: Event[RankingQuery, RankingOutcome]) -> None:
    """Take back what the event corrects, then add what it says."""
    if event.replaced is not None:
        fold(memory, event.replaced, -1)
    fold(memory, event, 1)


def fold(memory: RankingMemory, event: Event[RankingQuery, RankingOutcome], sign: int) -> None:
    """Add what an event says, or with ``sign`` -1 take it back."""
    query, outcome = event.query, event.outcome
    said = labels(query, outcome)
    if not said:
        return
    taken = said[-1].option or ""
    place = ACCEPTED if outcome.result == "success" else REJECTED
    memory.outcomes += sign
    for name in passed_over(taken, outcome.shown):
        _count(memory, query, name, PASSED, sign)
    _count(memory, query, taken, place, sign)
    # By the time of asking, which a correction shares with what it corrects.
    _lately(memory.recent, taken, int(event.asked // PERIOD), place, sign)
    _remember(memory, taken, query.stems, place, sign)
    _weigh(memory.worth, taken, outcome, sign)


def _count(memory: RankingMemory, query: RankingQuery, name: str, place: int, sign: int) -> None:
    for level, key in keys_of(query, name):
        bump(memory.cells[level], key, place, sign, LEVELS[level])


def bump(
    cells: dict[Any, list[int]], key: Any, place: int, by: int, most: float = inf, width: int = 3
) -> None:
    """Add to one count of a key; a key without any does not exist."""
    cell = cells.get(key)
    if cell is None:
        if by < 0:
            return  # evicted since: nothing of it is left to take back
        cell = cells[key] = [0] * width
    cell[place] = max(0, cell[place] + by)
    if not any(cell):
        del cells[key]
    elif len(cells) > most:
        weights = {each: sum(value) for each, value in cells.items() if each != key}
        room = max(int(most) // EVICTED, min(int(most), TOLD_STEMS) // 4)  # not for each new key
        for weak in smallest(weights, len(cells) - int(most) + room):
            del cells[weak]


def smallest(weights: Mapping[Any, int], many: int) -> list[Any]:
    """Return the keys that weigh least."""
    # By key where the weight is the same: what is forgotten must not depend on the order.
    return [key for _, key in heapq.nsmallest(many, ((w, key) for key, w in weights.items()))]


def _lately(
    recent: dict[str, list[list[int]]], name: str, period: int, place: int, sign: int
) -> None:
    cells = {each[0]: each[1:] for each in recent.pop(name, [])}
    bump(cells, period, place, sign, width=2)
    if cells:
        recent[name] = [[at, *cells[at]] for at in sorted(cells)[-PERIODS:]]
        _cap(recent, LEVELS["template"])


def _remember(
    memory: RankingMemory, name: str, stems: tuple[int, ...], place: int, sign: int
) -> None:
    memory.questions += sign
    profile = memory.told.pop(name, {})
    for stem in stems:
        bump(profile, stem, place, sign, TOLD_STEMS, width=2)
        asked = memory.asked.get(stem, 0) + sign
        if asked > 0:
            memory.asked[stem] = asked
        else:
            memory.asked.pop(stem, None)
    if len(memory.asked) > ASKED:
        for weak in smallest(memory.asked, ASKED // EVICTED):
            del memory.asked[weak]
    if profile:
        memory.told[name] = profile
        _cap(memory.told, TOLD)


def _weigh(worth: dict[str, list[int]], name: str, outcome: RankingOutcome, sign: int) -> None:
    for place, value in ((0, outcome.quality), (2, outcome.seconds)):
        if value is None or (sign < 0 and name not in worth):
            continue
        cell = worth.setdefault(name, [0, 0, 0, 0])
        cell[place] += sign * round(value * PARTS)
        cell[place + 1] += sign
        if not cell[1] and not cell[3]:
            del worth[name]
    _cap(worth, LEVELS["template"])


def _cap(kept: dict[str, Any], most: int) -> None:
    """Drop what was told of the longest ago."""
    while len(kept) > most:
        del kept[next(iter(kept))]
