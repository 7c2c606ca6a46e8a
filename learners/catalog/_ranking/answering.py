"""Answers: every candidate judged, put in order, the first place dealt out among near-ties."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from learners.catalog._ranking import exploring
from learners.catalog._ranking.columns import BELIEVED, COLUMNS, FITS, TASKS
from learners.catalog._ranking.exploring import Draw
from learners.catalog._ranking.features import ENOUGH, Features, of_template, rate_of
from learners.catalog._ranking.memory import NOTHING, RankingMemory
from learners.catalog._ranking.params import RULES, RankingParams, probabilities
from learners.catalog._ranking.reasons import Case, reasons
from learners.catalog._ranking.types import Ranked, Ranking, RankingQuery
from learners.learner import Row, Source
from learners.wording import count

TOLD = 20  # outcomes of TOLD_TEMPLATES templates from which the pooled rate is served
TOLD_TEMPLATES = 5
SPEAKS = tuple(COLUMNS.index(name) for name in ("match", *FITS, *TASKS, "success"))
LOOKED_AT = 50  # of the best, for near-ties
ALONE = Draw(0, 1.0)
SILENT: Mapping[str, Any] = {"source": "abstained", "probability": None}


class Order(NamedTuple):
    """Candidates in order, best first, with what they are ordered by."""

    names: tuple[str, ...]
    rows: Row
    values: tuple[float, ...]


class Answering:
    """The answers of one catalogue."""

    def __init__(self, features: Features) -> None:
        """Keep what answers are made of."""
        self.features = features
        self.shelf = features.shelf

    def __call__(
        self,
        params: RankingParams | None,
        memory: RankingMemory,
        query: RankingQuery,
        at: float,
        rng: np.random.Generator,
    ) -> Ranking:
        """Return the ranking of a question's candidates."""
        order = self.order(params, memory, query, at)
        if not order.names:
            return self._nothing()
        silent = params is None and not order.rows[:, SPEAKS].any()
        drawn = ALONE if silent else _drawn(memory, order, rng)
        others = (i for i in range(len(order.names)) if i != drawn.first)
        shown = [drawn.first, *islice(others, query.k - 1)]
        ranked = self._ranked(params, memory, query, at, order, shown)
        if silent:
            ranked = [each.model_copy(update=SILENT) for each in ranked]
        first = ranked[0]
        return Ranking(
            source=first.source,
            n=first.n,
            reasons=_reasons(memory, first, order, drawn),
            option=None if silent else first.name,
            propensity=None if silent else drawn.propensity,
            templates=tuple(ranked),
            candidates=len(order.names),
            warnings=self._warnings(query, [each.name for each in ranked]),
        )

    def order(
        self, params: RankingParams | None, memory: RankingMemory, query: RankingQuery, at: float
    ) -> Order:
        """Return all candidates in order; of equals, in the order in which they were given."""
        names = self.shelf.options(query)
        rows = self.features.rows(memory, query, names, at)
        values = (RULES if params is None else params.model).score(rows)
        best = np.argsort(-values, kind="stable")
        return Order(tuple(names[i] for i in best), rows[best], tuple(values[best].tolist()))

    def _ranked(
        self,
        params: RankingParams | None,
        memory: RankingMemory,
        query: RankingQuery,
        at: float,
        order: Order,
        places: Sequence[int],
    ) -> list[Ranked]:
        model = RULES if params is None else params.model
        unit = BELIEVED["match"] if params is None else 1.0
        known = self.shelf.lookup(query)
        moved = model.explain(order.rows[list(places)])
        found = list[Ranked]()
        for place, of in zip(places, moved, strict=True):
            name, value = order.names[place], order.values[place]
            probability, source = judged(params, memory, query, name, value)
            case = Case(memory, query, known(name), order.rows[place], at)
            found.append(
                Ranked(
                    name=name,
                    score=round(value / unit, 4),
                    probability=probability,
                    n=of_template(memory, name)[1],
                    source=source,
                    reasons=reasons(case, of),
                )
            )
        return found

    def _warnings(self, query: RankingQuery, names: Sequence[str]) -> tuple[str, ...]:
        known = self.shelf.lookup(query)
        retired = [name for name in names if known(name).retired]
        return (f"retired: {', '.join(retired)}",) if retired else ()

    def _nothing(self) -> Ranking:
        return Ranking(
            source="abstained",
            n=0,
            reasons=("no template is known, and none was named in candidates",),
            option=None,
            propensity=None,
            templates=(),
            candidates=0,
            warnings=(),
        )


def _drawn(memory: RankingMemory, order: Order, rng: np.random.Generator) -> Draw:
    tried = [of_template(memory, name)[1] for name in order.names[:LOOKED_AT]]
    return exploring.draw(order.values[:LOOKED_AT], tried, rng)


def judged(
    params: RankingParams | None,
    memory: RankingMemory,
    query: RankingQuery,
    name: str,
    value: float,
) -> tuple[float | None, Source]:
    """Return what is expected of a template, and where that comes from."""
    if params is not None:
        return float(probabilities(params, np.array([value]))[0]), "model"
    rate, seen = rate_of(memory, query, name)
    if seen >= ENOUGH:
        return rate, "observed"
    if memory.outcomes >= TOLD and len(memory.recent) >= TOLD_TEMPLATES:
        return rate, "base_rate"
    return None, "rules"


def _reasons(memory: RankingMemory, first: Ranked, order: Order, drawn: Draw) -> tuple[str, ...]:
    said = list(first.reasons)
    if first.source == "abstained":
        said = ["nothing is known that would tell these templates apart for this task"]
    elif first.source == "rules":
        said.append(f"no probability: seen {count(first.n, 'time')}, {ENOUGH} are needed")
    elif first.source == "base_rate":
        accepted, rejected, passed = memory.cells["all"].get("", NOTHING)
        said.append(f"{accepted} of {accepted + rejected + passed} templates seen so far served")
    if drawn.first:
        said.append(
            f"put before {order.names[0]}, which is as good as equal, to learn more of it; "
            f"this happens in {exploring.SHARE:.0%} of such answers"
        )
    return tuple(said) or (f"of {len(order.names)} candidates this one is expected to serve best",)
