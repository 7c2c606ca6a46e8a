"""The templates that are known beforehand, and how well those of a question match its task."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from learners.catalog._ranking.stems import stems
from learners.catalog._ranking.types import RankingQuery, Template, named
from learners.learner import Floats
from learners.numerics import retrieval
from learners.numerics.retrieval import Corpus

FIELDS = 2  # name; text with tags
BOOSTS = (2.0, 1.0)  # a name is chosen with more care than a text
COLLECTIONS = 64  # of templates that no catalogue has, remembered while they are asked for


class Fit(NamedTuple):
    """How templates match a task, each (n,) in [0, 1].

    Attributes:
        match: All of their words together.
        in_name: Share of the task that the name has.
        in_text: Share of the task that the text has.
        of_name: Share of the name that the task has.
    """

    match: Floats
    in_name: Floats
    in_text: Floats
    of_name: Floats


class Collection(NamedTuple):
    """Templates that are compared with one another."""

    place: Mapping[str, int]
    corpus: Corpus


def collect(templates: Sequence[Template]) -> Collection:
    """Return templates as a collection; of the same name the last one counts."""
    by_name = {each.name: each for each in templates}
    documents = [
        (stems(each.name), (*each.stems, *(s for tag in each.tags for s in stems(tag))))
        for each in by_name.values()
    ]
    place = {name: i for i, name in enumerate(by_name)}
    return Collection(place, retrieval.corpus(documents, FIELDS))


_remembered = lru_cache(COLLECTIONS)(collect)


class Shelf:
    """The catalogue, and beside it what a question brings along."""

    def __init__(self, templates: Sequence[Template]) -> None:
        """Index the catalogue once."""
        self.templates = {each.name: each for each in templates}
        self.own = collect(templates)

    def options(self, query: RankingQuery) -> tuple[str, ...]:
        """Return the candidates of a question: without any, all that are not retired."""
        if query.candidates:
            return named(query.candidates)
        return tuple(name for name, each in self.templates.items() if not each.retired)

    def lookup(self, query: RankingQuery) -> Callable[[str], Template]:
        """Return what tells what is known of a template; of a stranger only the name."""
        brought = {each.name: each for each in query.candidates if not isinstance(each, str)}
        return lambda name: brought.get(name) or self.templates.get(name) or Template(name=name)

    def brought(self, query: RankingQuery) -> Collection:
        """Return what the catalogue lacks of a question's candidates."""
        return _remembered(
            tuple(
                Template(name=each) if isinstance(each, str) else each
                for each in query.candidates
                if not isinstance(each, str) or each not in self.templates
            )
        )

    def rarity(self, query: RankingQuery) -> Corpus:
        """Return the larger collection: it knows best which words tell templates apart."""
        brought = self.brought(query).corpus
        return self.own.corpus if self.own.corpus.size >= brought.size else brought

    def fit(self, query: RankingQuery, names: Sequence[str], weights: Mapping[int, float]) -> Fit:
        """Return how the named templates match the weighted stems of a task."""
        found = np.zeros((len(names), 2 + FIELDS))
        left = dict(enumerate(names))
        for collection in (self.brought(query), self.own):
            rows = {i: collection.place[n] for i, n in left.items() if n in collection.place}
            left = {i: name for i, name in left.items() if i not in rows}
            _fill(found, rows, collection.corpus, weights)
        if left:  # a stranger that nobody offered, but somebody used
            stranger = _remembered(tuple(Template(name=name) for name in left.values()))
            rows = {i: stranger.place[name] for i, name in left.items()}
            _fill(found, rows, stranger.corpus, weights)
        return Fit(found[:, 0], found[:, 1], found[:, 2], found[:, 3])


def _fill(
    found: Floats, rows: Mapping[int, int], corpus: Corpus, weights: Mapping[int, float]
) -> None:
    if rows:
        said = retrieval.match(corpus, weights, BOOSTS)
        into, of = list(rows), list(rows.values())
        found[into] = np.column_stack((said.score[of], said.covered[of], said.title[of]))
