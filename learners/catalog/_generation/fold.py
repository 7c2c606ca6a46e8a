"""The fold of the generation family, and the beliefs that a question meets in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, TypeAlias

from learners.catalog._generation.memory import (
    DAY,
    LEVELS,
    MOST_PROJECTS,
    MOST_TASKS,
    MOST_WORDS,
    POSTINGS,
    UNIT,
    Cell,
    GenerationMemory,
    Task,
    count,
    weight_at,
)
from learners.catalog._generation.patterns import watch
from learners.catalog._generation.types import GenerationQuery
from learners.learner import Event
from learners.numerics import beliefs
from learners.numerics.beliefs import Belief

Key: TypeAlias = tuple[str, str]  # level, key
Weighted: TypeAlias = Sequence[tuple[int, float]]

SEPARATOR = "\x1f"
WORD_VARIANCE = 0.2  # of a text's words together, before anything is known
FORGOTTEN_IN = 365.0  # days in which a belief that nothing renews is as wide as at the start
# A task that nobody named is a task all the same.
UNKNOWN_TASK = Belief(0.0, LEVELS["task"][0])
LASTING = ("task", "task_agent")  # tasks do not change
COMBINED = ("agent_type", "model_type")  # what the parts alone do not promise
NEWEST = 1000
LEADING = 24  # rarest words of a task, which lead to it
COOL = 0.1  # temperature up to which a setting is cool (002-88)


def keys_of(query: GenerationQuery) -> list[Key]:
    """Return the keys that a question falls under; what was not said has none."""
    pairs = {
        "type": query.task_type,
        "language": query.language,
        "framework": query.framework,
        "agent": query.agent,
        "model": query.model,
        "template": query.template,
        "project": query.project,
    }
    keys = [("all", ""), *((level, value) for level, value in pairs.items() if value)]
    for level, one, other in (
        ("agent_type", query.agent, query.task_type),
        ("agent_project", query.agent, query.project),
        ("model_type", query.model, query.task_type),
    ):
        if one and other:
            keys.append((level, f"{one}{SEPARATOR}{other}"))
    if task := task_of(query):
        keys.append(("task", task))
        if query.agent:
            keys.append(("task_agent", f"{query.agent}{SEPARATOR}{task}"))
    return keys


def settings_of(query: GenerationQuery) -> list[str]:
    """Return the settings whose success is compared, each within its kind of task (002-88)."""
    found = list[str]()
    if query.temperature is not None:
        found.append("cool" if query.temperature <= COOL else "warm")
    if query.rag_examples is not None:
        found.append("examples" if query.rag_examples else "no examples")
    return [f"{query.task_type}{SEPARATOR}{setting}" for setting in found]


def costs_of(query: GenerationQuery) -> list[str]:
    """Return the keys under which costs are kept: who did it, and that for its kind of task."""
    who = [("agent", query.agent), ("model", query.model)]
    named = [f"{what}{SEPARATOR}{name}" for what, name in who if name]
    return [*named, *(f"{each}{SEPARATOR}{query.task_type}" for each in named)]


def task_of(query: GenerationQuery) -> str:
    """Return what recognises the task: in its project where it has a name, else by its words."""
    if query.task_key:
        return f"{query.project}{SEPARATOR}{query.task_key}"
    return query.key


def belief(level: str, cell: Cell | None, at: float) -> Belief:
    """Return what is believed of an effect by now: the longer ago, the less sure."""
    prior = LEVELS[level][0]
    if cell is None:
        return Belief(0.0, prior)
    if level in LASTING:
        return Belief(cell.mean, cell.variance)
    aged = cell.variance + prior * max(0.0, at - cell.at) / DAY / FORGOTTEN_IN
    return Belief(cell.mean, min(prior, aged))


def rarity(memory: GenerationMemory, words: Weighted) -> list[tuple[int, float]]:
    """Return words weighted by how seldom they are in tasks (Sparck Jones, K. 1972), length 1."""
    told, known = memory.tasks_told + 1, memory.words
    found = [
        (word, weight * (1.0 + log(told / (1.0 + (known[word][2] if word in known else 0.0)))))
        for word, weight in words
    ]
    norm = sum(weight * weight for _, weight in found) ** 0.5 or 1.0
    return [(word, weight / norm) for word, weight in found]


def word_beliefs(memory: GenerationMemory, words: Weighted) -> list[Belief]:
    """Return what is believed of the effect of each word."""
    known = memory.words
    return [
        Belief(known[word][0], known[word][1]) if word in known else Belief(0.0, WORD_VARIANCE)
        for word, _ in words
    ]


def telling(memory: GenerationMemory, query: GenerationQuery, at: float) -> float:
    """Return what the outcome of a question would teach at a time, in bits."""
    own = [belief(level, memory.cells[level].get(key), at) for level, key in keys_of(query)]
    words = rarity(memory, query.said.weights)
    said = beliefs.together(word_beliefs(memory, words), [weight for _, weight in words])
    return beliefs.information(beliefs.together([*own, said]))


@dataclass(frozen=True, slots=True)
class Unit:
    """How labels are remembered: on a scale where effects add up.

    Attributes:
        of: From label to that scale.
        back: The inverse.
        noise: Variance of an outcome around the sum of all effects; None: ones and zeros.
        centre: What is expected before anything is known, on that scale.
    """

    of: Callable[[float], float]
    back: Callable[[float], float]
    noise: float | None = None
    centre: float = 0.0


class Fold:
    """Folds the outcomes of one learner."""

    def __init__(
        self,
        label: Callable[[Any], float | None],
        unit: Unit,
        cost: Callable[[Any], float | None] = lambda _: None,
    ) -> None:
        """Keep what an outcome's label is, how it is remembered, and what it cost in USD."""
        self.label = label
        self.unit = unit
        self.cost = cost

    def __call__(self, memory: GenerationMemory, event: Event[GenerationQuery, Any]) -> None:
        """Take back what the event corrects, then add what it says."""
        keys = keys_of(event.query)
        if event.replaced is not None:
            self._count(memory, keys_of(event.replaced.query), event.replaced, -1)
        value = self._count(memory, keys, event, 1)
        if value is None or self._is_known(event):
            return
        self._believe(memory, keys, event, value)
        memory.newest = [*memory.newest[-NEWEST + 1 :], value]

    def _is_known(self, event: Event[GenerationQuery, Any]) -> bool:
        """Return whether an outcome adds something, but nothing to what is believed of effects."""
        before = event.replaced
        if before is None or before.query != event.query:
            return False
        return self.label(before.outcome) == self.label(event.outcome)

    def _count(
        self,
        memory: GenerationMemory,
        keys: Sequence[Key],
        event: Event[GenerationQuery, Any],
        sign: int,
    ) -> float | None:
        label, cost = self.label(event.outcome), self.cost(event.outcome)
        weight = sign * weight_at(event.asked)
        if cost is not None:
            for key in costs_of(event.query):
                count(memory, "cost", key, weight, weight * round(cost * UNIT))
        if label is None:
            return None
        value = self.unit.of(label)
        total = weight * round(value * UNIT)
        for level, key in (*keys, *(("setting", key) for key in settings_of(event.query))):
            count(memory, level, key, weight, total)
        memory.outcomes += sign
        action = getattr(event.outcome, "action", None)
        if action is not None:
            memory.actions[action] = memory.actions.get(action, 0) + sign
        return value

    def _believe(
        self,
        memory: GenerationMemory,
        keys: Sequence[Key],
        event: Event[GenerationQuery, Any],
        value: float,
    ) -> None:
        at = event.known
        cells = [(level, memory.cells[level][key]) for level, key in keys]
        own = [belief(level, cell, at) for level, cell in cells]
        unknown = [] if task_of(event.query) else [UNKNOWN_TASK]
        whole = beliefs.together([*own, *unknown])
        said = event.query.said
        words = rarity(memory, said.weights)
        self._believe_words(memory, words, whole, value)
        if self.unit.noise is None:
            parts = [b for (level, _), b in zip(keys, own, strict=True) if level not in COMBINED]
            promised = beliefs.probability(beliefs.together(parts))
            watch(memory, event.query, promised, value, self._before(event.replaced))
        pull = self._pull(whole, value)
        for (_, cell), before in zip(cells, own, strict=True):
            after = beliefs.moved(before, pull)
            cell.mean, cell.variance, cell.at = after.mean, after.variance, at
        memory.first.setdefault(event.query.project, at)
        if len(memory.first) > MOST_PROJECTS:
            del memory.first[next(iter(memory.first))]
        if said.words:
            _remember(memory, task_of(event.query), event.query.project, words)

    def _before(
        self, replaced: Event[GenerationQuery, Any] | None
    ) -> tuple[GenerationQuery, float] | None:
        """Return the question and value that an event corrects, where it had one."""
        label = None if replaced is None else self.label(replaced.outcome)
        if replaced is None or label is None:
            return None
        return replaced.query, self.unit.of(label)

    def _pull(self, whole: Belief, value: float) -> beliefs.Pull:
        if self.unit.noise is None:
            return beliefs.of_binary(whole, value)
        return beliefs.of_value(whole, value - self.unit.centre, self.unit.noise)

    def _believe_words(
        self, memory: GenerationMemory, words: Weighted, whole: Belief, value: float
    ) -> None:
        """Let words take up what the other effects leave; these do not see the words' part."""
        own = word_beliefs(memory, words)
        by = [weight for _, weight in words]
        sum_of = beliefs.together(own, by)
        pull = self._pull(Belief(whole.mean + sum_of.mean, whole.variance + sum_of.variance), value)
        for (word, weight), before in zip(words, own, strict=True):
            after = beliefs.moved(before, pull, weight)
            told = memory.words[word][2] if word in memory.words else 0.0
            memory.words[word] = [after.mean, after.variance, told]


def _remember(memory: GenerationMemory, task: str, project: str, words: Weighted) -> None:
    """Count a task's words once, and let its rarest lead to it."""
    if task in memory.tasks:
        return
    memory.tasks_told += 1
    for word, _ in words:
        memory.words[word][2] += 1.0
    _cap_words(memory)
    rarest = sorted(words, key=lambda each: (-each[1], each[0]))[:LEADING]
    norm = sum(weight * weight for _, weight in rarest) ** 0.5
    memory.tasks[task] = Task([(word, weight / norm) for word, weight in rarest], project)
    for word, _ in rarest:
        memory.leads[word] = [*memory.leads.get(word, [])[-POSTINGS + 1 :], task]
    if len(memory.tasks) > MOST_TASKS:
        _forget_task(memory)


def _forget_task(memory: GenerationMemory) -> None:
    oldest = next(iter(memory.tasks))
    for word, _ in memory.tasks.pop(oldest).words:
        left = [task for task in memory.leads.get(word, []) if task != oldest]
        if left:
            memory.leads[word] = left
        else:
            memory.leads.pop(word, None)


def _cap_words(memory: GenerationMemory) -> None:
    if len(memory.words) <= MOST_WORDS:
        return
    # A quarter at a time: most words are new ones, and to sort them is dear.
    rare = sorted((told, word) for word, (_, _, told) in memory.words.items())
    for _, word in rare[: MOST_WORDS // 4]:
        del memory.words[word]
