"""Tasks like this one that were told of before, found by the words they share."""

from collections import Counter
from typing import NamedTuple

from learners.catalog._generation.fold import SEPARATOR, Weighted, task_of
from learners.catalog._generation.memory import GenerationMemory
from learners.catalog._generation.types import GenerationQuery

LOOKED_UP = 16  # rarest words that are followed
COMPARED = 20
LEAST = 0.3  # similarity from which a task counts
MOST = 5


class Twin(NamedTuple):
    """A task told of before, and how like it is: 1 is the same words."""

    task: str
    similarity: float
    project: str


def twins(memory: GenerationMemory, query: GenerationQuery, words: Weighted) -> list[Twin]:
    """Return the most similar tasks, best first; ``words`` are weighted by rarity.

    What the caller says to be similar comes first: it may know better than words do.
    """
    own = task_of(query)
    found = [twin for twin in _by_words(memory, words) if twin.task != own]
    if query.similar_to and query.similarity:
        named = f"{query.project}{SEPARATOR}{query.similar_to}"
        said = Twin(named, query.similarity, query.project)
        found = [said, *(twin for twin in found if twin.task != named)]
    return found[:MOST]


def _by_words(memory: GenerationMemory, words: Weighted) -> list[Twin]:
    weight = dict(words)
    votes = Counter[str]()
    for word, _ in sorted(words, key=lambda each: (-each[1], each[0]))[:LOOKED_UP]:
        votes.update(memory.leads.get(word, ()))
    found = list[Twin]()
    for task, _ in votes.most_common(COMPARED):
        it = memory.tasks[task]
        shared = 0.0
        for word, value in it.words:
            if word in weight:
                shared += value * weight[word]
        if shared >= LEAST:
            found.append(Twin(task, min(1.0, shared), it.project))
    return sorted(found, key=lambda twin: (-twin.similarity, twin.task))
