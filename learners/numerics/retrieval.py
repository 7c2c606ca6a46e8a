"""How well documents match a question: BM25 over several fields, and who covers whom.

Robertson, S., Zaragoza, H. and Taylor, M. (2004) for BM25F; the inverted index touches only
documents that have a word of the question. A document is a sequence of fields, a field a sequence
of terms; terms are whole numbers, so that nothing that is kept of a text can be read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Document = Sequence[Sequence[int]]

SATURATION = 1.2  # k1: how soon another occurrence of a term adds nothing
LENGTH = 0.75  # b: how far long fields are held to say less per term


class Posting(NamedTuple):
    """Where a term occurs: (m,) documents, and how often in each field (m, f), by length."""

    documents: Ints
    times: Floats


class Matches(NamedTuple):
    """How documents match a question, each (n,) in [0, 1].

    Attributes:
        score: BM25F as a share of the most that the question could reach.
        covered: (n, f) share of the question, by weight, that a field has.
        title: Share of the first field, by rarity, that the question has.
    """

    score: Floats
    covered: Floats
    title: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Documents by term.

    Attributes:
        size: Number of documents n, of ``fields`` fields each.
        postings: By term.
        rarity: By term, how much it tells apart; ``unseen`` that of a term of no document.
        mass: (n,) rarity of the first field's terms together.
    """

    size: int
    fields: int
    postings: Mapping[int, Posting]
    rarity: Mapping[int, float]
    unseen: float
    mass: Floats

    def weight(self, term: int) -> float:
        """Return the rarity of a term."""
        return self.rarity.get(term, self.unseen)


def corpus(documents: Sequence[Document], fields: int) -> Corpus:
    """Return the documents as a corpus.

    >>> rare = corpus([[[1], [2, 3]], [[4], [3]]], 2)
    >>> rare.weight(2) > rare.weight(3), rare.weight(9) > rare.weight(2)
    (True, True)
    """
    n = len(documents)
    counts = [[Counter(field) for field in document] for document in documents]
    lengths = np.array([[c.total() for c in each] for each in counts], dtype=np.float64)
    lengths = lengths.reshape(n, fields)
    usual = np.maximum(lengths.sum(axis=0) / max(n, 1), 1.0)
    norm = 1 - LENGTH + LENGTH * lengths / usual
    where: dict[int, list[int]] = {}
    for i, each in enumerate(counts):
        for term in set().union(*each):
            where.setdefault(term, []).append(i)
    postings = {term: _posting(term, found, counts, norm) for term, found in where.items()}
    rarity = {term: _rarity(n, len(found)) for term, found in where.items()}
    mass = [sum(rarity[term] for term in each[0]) for each in counts]
    return Corpus(n, fields, postings, rarity, _rarity(n, 0), np.array(mass, dtype=np.float64))


def _posting(
    term: int, found: Sequence[int], counts: Sequence[Sequence[Counter[int]]], norm: Floats
) -> Posting:
    documents = np.array(found, dtype=np.int64)
    times = np.array([[field[term] for field in counts[i]] for i in found], dtype=np.float64)
    return Posting(documents, times / norm[documents])


def _rarity(n: int, having: int) -> float:
    return log(1.0 + (n - having + 0.5) / (having + 0.5))


def match(within: Corpus, weights: Mapping[int, float], boosts: Sequence[float]) -> Matches:
    """Return how every document matches the terms of a question.

    Args:
        within: The documents.
        weights: What each term of the question counts, at least 0.
        boosts: What a term counts in each field beside the others.
    """
    score, title = np.zeros(within.size), np.zeros(within.size)
    covered = np.zeros((within.size, within.fields))
    boost, most = np.array(boosts, dtype=np.float64), sum(weights.values())
    for term in sorted(weights):  # in one order: the same bits for every question alike
        posting = within.postings.get(term)
        if posting is None:
            continue
        at, weight = posting.documents, weights[term]
        times = (posting.times * boost).sum(axis=1)
        score[at] += weight * times / (times + SATURATION)
        there = posting.times > 0
        covered[at] += weight * there
        title[at] += within.rarity[term] * there[:, 0]
    most = most if most > 0 else 1.0
    return Matches(score / most, covered / most, title / np.maximum(within.mass, 1e-9))
