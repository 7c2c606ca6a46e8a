"""Which components to take: a set that covers what is required and fits what is there."""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from learners.catalog._compatibility.answering import Answering
from learners.catalog._compatibility.judged import Judged, weakest
from learners.catalog._compatibility.keys import SEPARATOR
from learners.catalog._compatibility.memory import CompatibilityMemory
from learners.catalog._compatibility.params import CompatibilityParams
from learners.catalog._compatibility.types import (
    CompatibilityQuery,
    Component,
    Name,
    Pair,
    Verdict,
    canonical,
    pairs_of,
)
from learners.learner import Advice, Source
from learners.numerics.words import words

BEAM = 6
MOST_TOLD = 64
MOST_TOGETHER = 16
ENDINGS = re.compile(
    "|e|s|es|ed|er|ing|ging|ting|ions?|i[sz]ation|ation|ator|y|ies|r|d|ity|ence|or"
)
ENOUGH = 3  # letters from which a beginning stands for a word


class RecommendationQuery(BaseModel):
    """What is to be covered, and what is there already."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node_type: str
    required_capabilities: tuple[str, ...] = Field(
        default=(), max_length=10, description="tags, categories or words of names"
    )
    existing_mixins: tuple[Name, ...] = Field(default=(), max_length=12)
    k: int = Field(default=5, ge=1, le=10)
    project: str = ""


class Recommendation(BaseModel):
    """One component to add."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    probability: float | None = Field(description="that it works with all it would stand beside")
    verdict: Verdict
    n: int = Field(ge=0, description="tests of its least tested pair")
    source: Source
    covers: tuple[str, ...]
    chosen: bool = Field(description="part of the best set; otherwise an alternative")
    reasons: tuple[str, ...]


class Recommendations(Advice):
    """Components to add, best first; none where nothing fits."""

    recommendations: tuple[Recommendation, ...]
    uncovered: tuple[str, ...] = Field(description="capabilities that nothing known covers")
    probability: float | None = Field(description="of the existing and the chosen together")


class Recommending:
    """The recommendations of one catalogue."""

    def __init__(self, answering: Answering, query: type[CompatibilityQuery]) -> None:
        """Keep what judges sets, and the type that checks the question."""
        self.answering = answering
        self.query = query

    def __call__(
        self,
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        query: RecommendationQuery,
        at: float,
        rng: np.random.Generator,
    ) -> Recommendations:
        """Return the recommendations for a query; nothing is drawn."""
        del at, rng
        search = _Search(self.answering, self.query, params, memory, query)
        chosen = search.best()
        listed = search.listed(chosen)
        names = [it.name for it in listed if it.chosen]
        covered = {c for it in listed for c in it.covers} | search.there
        uncovered = [c for c in query.required_capabilities if c not in covered]
        probability, judged = search.value((*search.existing, *names))
        return Recommendations(
            source=weakest(it.source for it in judged) if judged else "rules",
            n=min((it.own.n for it in judged), default=0),
            reasons=search.why(names, uncovered),
            recommendations=listed,
            uncovered=tuple(uncovered),
            probability=probability,
        )


class _Search:
    def __init__(
        self,
        answering: Answering,
        check: type[CompatibilityQuery],
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        query: RecommendationQuery,
    ) -> None:
        self.answering, self.params, self.memory = answering, params, memory
        beside = query.existing_mixins or ("-",)
        # The family's own query resolves spellings and refuses an unknown context.
        checked = check.model_validate(
            {"mixins": (*beside, *beside)[:16], "node_type": query.node_type}
        )
        self.existing = tuple(dict.fromkeys(checked.mixins)) if query.existing_mixins else ()
        self.asked, self.query = check, query
        names = [n for n in _known(answering, memory) if n not in self.existing]
        catalogue = answering.catalogue
        self.covers = {
            name: tuple(c for c in query.required_capabilities if covers(catalogue.get(name), c))
            for name in names
        }
        self.there = {
            c
            for c in query.required_capabilities
            if any(covers(catalogue.get(name), c) for name in self.existing)
        }
        useful = [n for n in names if self.covers[n] or not query.required_capabilities]
        self.useful = useful
        pairs = combinations((*self.existing, *useful), 2)
        ordered = answering.features.ordered
        asked = list(dict.fromkeys(_pair(pair, ordered=ordered) for pair in pairs))
        found = (
            answering.judge_pairs(params, memory, asked, query.node_type, query.project)
            if asked
            else []
        )
        self.judged: Mapping[Pair, Judged] = {it.pair: it for it in found}

    def value(self, names: Sequence[str]) -> tuple[float | None, list[Judged]]:
        """Return the probability of a set with what is expected of its pairs."""
        if len(names) < 2:
            return None, []
        ordered = self.answering.features.ordered
        judged = [self.judged[pair] for pair in pairs_of(names, ordered=ordered)]
        query = self.asked.model_construct(
            mixins=tuple(names), node_type=self.query.node_type, project=self.query.project
        )
        return self.answering.together(self.params, self.memory, query, judged), judged

    def rank(self, names: Sequence[str]) -> tuple[int, float, int]:
        """Return what to sort by, smallest first: conflicts, improbability, size."""
        probability, judged = self.value(names)
        against = sum(it.verdict == "incompatible" for it in judged)
        return (against, -(0.5 if probability is None else probability), len(names))

    def best(self) -> tuple[str, ...]:
        """Return the best set of additions that covers what is still open, by beam search.

        A capability that only a conflicting component covers stays open.
        """
        beam: list[tuple[str, ...]] = [()]
        for capability in self.query.required_capabilities:
            if capability in self.there:
                continue
            longer: dict[tuple[str, ...], None] = {}
            for chosen in beam:
                if any(capability in self.covers[name] for name in chosen):
                    longer[chosen] = None
                    continue
                for name in self.useful:
                    if capability in self.covers[name] and self._fits(chosen, name):
                        longer[(*chosen, name)] = None
                if not any(capability in self.covers[name] for name in self.useful):
                    longer[chosen] = None
            sets = list(longer) or beam
            beam = sorted(sets, key=lambda it: (*self.rank((*self.existing, *it)), it))[:BEAM]
        return beam[0]

    def listed(self, chosen: Sequence[str]) -> tuple[Recommendation, ...]:
        """Return the chosen and then alternatives, each group best first."""
        best = [self._recommended(name, chosen, chosen=True) for name in chosen]
        others = [
            self._recommended(name, (), chosen=False)
            for name in self.useful
            if name not in chosen and self._fits((), name)
        ]
        if not self.query.required_capabilities:
            # Asked for nothing in particular: only what evidence speaks for.
            others = [it for it in others if it.source in ("model", "observed")]
        ranked = [
            *sorted(best, key=lambda it: (-(it.probability or 0.0), it.name)),
            *sorted(others, key=lambda it: (-(it.probability or 0.0), it.name)),
        ]
        return tuple(ranked[: self.query.k])

    def why(self, names: Sequence[str], uncovered: Sequence[str]) -> tuple[str, ...]:
        """Return why this set."""
        said: list[str] = []
        if names:
            said.append(f"best known set: {', '.join(names)}")
        elif self.query.required_capabilities and not uncovered:
            said.append("what is there covers everything already")
        elif not self.useful:
            said.append("nothing known covers what is required")
        if not self.query.required_capabilities:
            said.append(
                "no required_capabilities were given: only what tests or a model back is listed"
            )
        said += [f"{capability}: {self._open(capability)}" for capability in uncovered]
        return tuple(said[:4])

    def _open(self, capability: str) -> str:
        matching = [name for name in self.useful if capability in self.covers[name]]
        if not matching:
            return "no known component covers it"
        shown = ", ".join(matching[:3])
        if any("incompatible" in self._verdicts((), name) for name in matching):
            return f"{shown} would conflict with what is there"
        if any("unknown" in self._verdicts((), name) for name in matching):
            return f"nobody could know whether {shown} fits what is there"
        return f"{shown} would conflict with what is there or is chosen"

    def _fits(self, chosen: Sequence[str], name: str) -> bool:
        beside = (*self.existing, *chosen)
        if len(beside) + 1 > MOST_TOGETHER:
            return False
        return self._verdicts(chosen, name) <= {"compatible"}

    def _verdicts(self, chosen: Sequence[str], name: str) -> set[Verdict]:
        ordered = self.answering.features.ordered
        beside = (*self.existing, *chosen)
        return {self.judged[_pair((other, name), ordered=ordered)].verdict for other in beside}

    def _recommended(self, name: str, others: Sequence[str], *, chosen: bool) -> Recommendation:
        beside = (*self.existing, *(other for other in others if other != name))
        probability, _ = self.value((*beside, name))
        ordered = self.answering.features.ordered
        with_it = [self.judged[_pair((other, name), ordered=ordered)] for other in beside]
        said = [f"covers {c}" for c in self.covers[name]]
        if with_it:
            worst = min(with_it, key=lambda it: 0.5 if it.probability is None else it.probability)
            shown = "" if worst.probability is None else f" at {worst.probability:.2f}"
            said.append(f"weakest beside it: {_other(worst.pair, name)}{shown} ({worst.source})")
        else:
            said.append("nothing stands beside it: whether it fits was not judged")
        return Recommendation(
            name=name,
            probability=probability,
            verdict="compatible" if with_it else "unknown",
            n=min((it.own.n for it in with_it), default=0),
            source=weakest(it.source for it in with_it) if with_it else "rules",
            covers=self.covers[name],
            chosen=chosen,
            reasons=tuple(said),
        )


def covers(it: Component, capability: str) -> bool:
    """Return whether a component is about a capability: its tags, category and name, by word."""
    wanted = words(capability)
    spoken = {word for text in (it.name, it.category, *it.tags) for word in words(text)}
    return bool(wanted) and all(any(alike(want, word) for word in spoken) for want in wanted)


def alike(one: str, other: str) -> bool:
    """Return whether two words are forms of one: caching and cache, log and logging.

    >>> alike("cache", "caching"), alike("ai", "email"), alike("state", "stateless")
    (True, False, False)
    """
    if one == other:
        return True
    short = min(len(one), len(other))
    common = next((i for i in range(short) if one[i] != other[i]), short)
    endings = (one[common:], other[common:])
    return common >= max(ENOUGH, short - 1) and all(map(ENDINGS.fullmatch, endings))


def _known(answering: Answering, memory: CompatibilityMemory) -> list[str]:
    """Return the catalogue's names, then those most told of."""
    names = dict.fromkeys(answering.catalogue.components)
    cells = memory.counts["component"]
    told = sorted(cells, key=lambda key: (-sum(cells[key]), key))
    for key in told[:MOST_TOLD]:
        names.setdefault(key.partition(SEPARATOR)[2])
    return list(names)


def _pair(pair: Pair, *, ordered: bool) -> Pair:
    a, b = canonical(pair, ordered=ordered)
    return (a, b)


def _other(pair: Pair, name: str) -> str:
    return pair[1] if pair[0] == name else pair[0]
