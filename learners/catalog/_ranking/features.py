"""The one feature code: how a template fits a task, and what was made of it so far."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import fsum, log, log1p, sqrt

import numpy as np

from learners.catalog._ranking.columns import COLUMNS, RATES, TEXT
from learners.catalog._ranking.memory import (
    ACCEPTED,
    NOTHING,
    PARTS,
    PERIOD,
    REJECTED,
    RankingMemory,
    keys_of,
)
from learners.catalog._ranking.shelf import Shelf
from learners.catalog._ranking.stems import stems
from learners.catalog._ranking.types import UNKNOWN, RankingQuery, Template
from learners.learner import Option, Row
from learners.numerics.counts import shrunk

FEW_QUESTIONS = 10  # below which no word is held to be in nearly all
STRENGTH: Mapping[str, float] = {  # observations that the rate above is worth
    "template": 8.0,
    "task_type": 8.0,
    "language": 8.0,
    "recent": 8.0,
    "project": 4.0,
    "user": 4.0,
}
HALF_LIFE = 2  # periods after which a recent outcome counts half
USUAL_QUALITY, QUALITY_STRENGTH = 5.0, 3.0
UNMOVED = (0.0,) * (len(RATES) - 1)
MIDDLE = 5.0  # complexity of a template of which it is not known
LIKE = 2  # power: half alike is mostly about something else
ENOUGH = 5  # times seen from which a rate counts


class Features:
    """The rows of one catalogue."""

    def __init__(self, shelf: Shelf) -> None:
        """Keep the catalogue."""
        self.shelf = shelf

    def __call__(
        self, memory: RankingMemory, query: RankingQuery, option: Option, at: float
    ) -> Row:
        """Return (d,) row of a template."""
        row: Row = self.rows(memory, query, (option or "",), at)[0]
        return row

    def rows(
        self, memory: RankingMemory, query: RankingQuery, names: Sequence[str], at: float
    ) -> Row:
        """Return (n, d) rows of templates."""
        weigh = self.weigher(memory, query)
        weights = self.weights(query, weigh)
        likeness, base = Likeness(memory, weights, weigh), base_rate(memory)
        untold = (0.0, 0.0, log_odds(base), *UNMOVED, USUAL_QUALITY, 0.0)
        kinds: dict[tuple[object, ...], tuple[float, ...]] = {}  # few among many templates
        known, seen = self.shelf.lookup(query), memory.cells["template"]
        found = list[tuple[float, ...]]()
        for name in names:
            it = known(name)
            kind = (it.task_type, it.language, it.framework, it.tags, it.complexity)
            if kind not in kinds:
                kinds[kind] = fits(query, it)
            told = untold
            if name in seen:
                moved = rates(memory, query, name, at, base)
                told = (*likeness.of(name), log_odds(base), *moved, *worth(memory, name))
            found.append(kinds[kind] + told)
        text = np.stack(self.shelf.fit(query, names, weights), axis=1)
        rest = np.array(found).reshape(len(names), len(COLUMNS) - len(TEXT))
        return np.concatenate([text, rest], axis=1).astype(np.float32)

    def weigher(self, memory: RankingMemory, query: RankingQuery) -> Callable[[int], float]:
        """Return what a stem counts: a rare one more, one of nearly every task next to nothing."""
        rarity, asked = self.shelf.rarity(query).weight, memory.asked.get
        of = memory.questions + FEW_QUESTIONS
        return lambda stem: rarity(stem) * (1.0 - asked(stem, 0) / of)

    def weights(self, query: RankingQuery, weigh: Callable[[int], float]) -> dict[int, float]:
        """Return what each stem of a task counts.

        Words that name the language or the framework are matched by those.
        """
        matched = {*stems(query.language), *stems(query.framework)}
        return {stem: weigh(stem) for stem in query.stems if stem not in matched}


def fits(query: RankingQuery, known: Template) -> tuple[float, ...]:
    """Return +1 where what is asked for is what a template is made for, -1 where it is not.

    Then the share of the tags asked for that it has, and its complexity.
    """
    kind = "" if query.task_type == UNKNOWN else query.task_type
    made_for = "" if known.task_type == UNKNOWN else known.task_type
    shared = len(set(query.tags) & set(known.tags)) / len(set(query.tags)) if query.tags else 0.0
    return (
        _same(kind, made_for),
        _same(query.language, known.language),
        _same(query.framework, known.framework),
        shared,
        MIDDLE if known.complexity is None else known.complexity,
    )


def _same(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    return 1.0 if one == other else -1.0


class Likeness:
    """How like a task is to those for which a template was used: cosines of weighted stems."""

    def __init__(
        self, memory: RankingMemory, weights: Mapping[int, float], weigh: Callable[[int], float]
    ) -> None:
        """Weigh the task; ``weigh`` weighs the stems of others."""
        self.told = memory.told
        self.weights = weights
        self.size = sqrt(fsum(w * w for w in weights.values()))
        self.weigh = cache(weigh)

    def of(self, name: str) -> tuple[float, float]:
        """Return the likeness to tasks that it served, and to those that it did not serve."""
        profile = self.told.get(name)
        if profile is None or not self.size:
            return (0.0, 0.0)
        shared = [stem for stem in self.weights if stem in profile]
        if not shared:
            return (0.0, 0.0)
        # Without regard to order, so that what a correction takes back leaves no trace.
        sizes = list[float](), list[float]()
        for stem, times in profile.items():
            weight = self.weigh(stem)
            for which in (ACCEPTED, REJECTED):
                if times[which]:
                    sizes[which].append((weight * times[which]) ** 2)
        inner = [
            fsum(self.weights[stem] ** 2 * profile[stem][which] for stem in shared)
            for which in (ACCEPTED, REJECTED)
        ]
        good, bad = (
            (both / (self.size * sqrt(fsum(size)))) ** LIKE if both else 0.0
            for both, size in zip(inner, sizes, strict=True)
        )
        return good, bad


def base_rate(memory: RankingMemory) -> float:
    """Return the share of templates seen that were taken and served."""
    accepted, rejected, passed = memory.cells["all"].get("", NOTHING)
    return shrunk(accepted, rejected + passed, 0.5, 2.0)


def rates(
    memory: RankingMemory, query: RankingQuery, name: str, at: float, base: float
) -> tuple[float, ...]:
    """Return by how much each count of a template moves the log odds, from wide to narrow."""
    keys = dict(keys_of(query, name))
    rate = _moved(memory.cells["template"].get(name, NOTHING), base, "template")
    odds = log_odds(rate)
    narrow = [
        log_odds(_moved(memory.cells[level].get(keys.get(level, ""), NOTHING), rate, level)) - odds
        for level in ("task_type", "language", "project", "user")
    ]
    lately = log_odds(_moved(recently(memory, name, at), rate, "recent")) - odds
    return (odds - log_odds(base), *narrow[:2], lately, *narrow[2:])


def _moved(cell: Sequence[float], above: float, level: str) -> float:
    """Return the rate above, moved by a cell that was seen often enough to have a rate."""
    accepted, seen = cell[ACCEPTED], sum(cell)
    return shrunk(accepted, seen - accepted, above, STRENGTH[level]) if seen >= ENOUGH else above


def recently(memory: RankingMemory, name: str, at: float) -> tuple[float, float]:
    """Return accepted and other uses, each counting half after every half-life."""
    now = int(at // PERIOD)
    accepted = rejected = 0.0
    for period, good, bad in memory.recent.get(name, ()):
        weight = 0.5 ** (max(0, now - period) / HALF_LIFE)
        accepted, rejected = accepted + weight * good, rejected + weight * bad
    return accepted, rejected


def worth(memory: RankingMemory, name: str) -> tuple[float, float]:
    """Return the usual quality, shrunk to the middle, and log(1 + usual seconds), 0 if unknown."""
    quality, n, seconds, m = memory.worth.get(name, (0, 0, 0, 0))
    mean = (quality / PARTS + QUALITY_STRENGTH * USUAL_QUALITY) / (n + QUALITY_STRENGTH)
    return mean, log1p(seconds / PARTS / m) if m else 0.0


def log_odds(p: float) -> float:
    """Return the log odds of a probability that is neither 0 nor 1."""
    return log(p) - log1p(-p)


def of_template(memory: RankingMemory, name: str) -> tuple[int, int]:
    """Return how often a template was taken and served, of how often it was seen."""
    cell = memory.cells["template"].get(name, NOTHING)
    return cell[ACCEPTED], sum(cell)


def rate_of(memory: RankingMemory, query: RankingQuery, name: str) -> tuple[float, int]:
    """Return the shrunk rate of a template for this kind of task, and how often it was seen."""
    keys = dict(keys_of(query, name))
    own = memory.cells["template"].get(name, NOTHING)
    rate = _moved(own, base_rate(memory), "template")
    here = memory.cells["task_type"].get(keys.get("task_type", ""), NOTHING)
    return _moved(here, rate, "task_type"), sum(own)
