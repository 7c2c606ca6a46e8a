"""What outcomes say about the catalogue itself: retire, merge or split templates (002-03).

Nothing is changed by a proposal: somebody reads it and decides. Each comes with its counts and an
interval at a level that all comparisons of its kind share, so that many templates do not make some
of them look odd by chance. What was passed over in a list is not counted: only uses have a result.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import sqrt
from typing import Literal, NamedTuple, TypeAlias

from learners.catalog._ranking.memory import ACCEPTED, REJECTED, SEPARATOR, RankingMemory
from learners.catalog._ranking.stems import stems
from learners.catalog._ranking.types import Template
from learners.numerics.proportions import Difference, Share, difference, shared_z

ENOUGH = 10  # uses of everything that is compared
SAME_TEXT = 0.8  # cosine from which two texts say the same
KINDS = ("task_type", "language")

SAME_KIND = ("task_type", "language", "framework")

Templates: TypeAlias = Mapping[str, Template]
Action = Literal["retire", "merge", "split"]


class Proposal(NamedTuple):
    """What could be done with templates, and what speaks for it.

    Attributes:
        templates: The one to retire or split, or the two to merge.
        by: What to split by: a kind of task, such as ``language go``; else empty.
        own: Uses that served, of all: of the template, of the first one, or of that kind.
        other: Likewise of the others within the same kinds of task, the second one, or the rest.
        apart: ``own`` minus ``other``.
        reason: All of it in words.
    """

    action: Action
    templates: tuple[str, ...]
    by: str
    own: Share
    other: Share
    apart: Difference
    reason: str


def propose(memory: RankingMemory, templates: Sequence[Template]) -> tuple[Proposal, ...]:
    """Return what outcomes suggest, the clearest of each kind first."""
    ranked = {each.name: each for each in templates if not each.retired}
    return (*_retire(memory, ranked), *_merge(memory, ranked), *_split(memory, ranked))


def _share(cell: Sequence[int]) -> Share:
    return Share(cell[ACCEPTED], cell[ACCEPTED] + cell[REJECTED])


def _uses(memory: RankingMemory, level: str) -> dict[str, Share]:
    cells = {key: _share(cell) for key, cell in memory.cells[level].items()}
    return {key: share for key, share in cells.items() if share.n}


def _retire(memory: RankingMemory, templates: Templates) -> list[Proposal]:
    """Return what serves less often than the others do for the same kinds of task."""
    own = _uses(memory, "template")
    kinds = _by_kind(memory, "task_type")
    pairs = {
        name: (own[name], _others(kinds, own, name))
        for name in templates
        if name in own and own[name].n >= ENOUGH
    }
    pairs = {name: both for name, both in pairs.items() if both[1].n >= ENOUGH}
    z = shared_z(len(pairs))
    found = [
        Proposal("retire", (name,), "", one, other, apart, _in_words(one, other, apart, "others"))
        for name, (one, other) in pairs.items()
        if (apart := difference(one, other, z)).high < 0
    ]
    return sorted(found, key=lambda each: each.apart.high)


def _by_kind(memory: RankingMemory, level: str) -> dict[str, dict[str, Share]]:
    """Return uses by template and kind of task."""
    found: dict[str, dict[str, Share]] = {}
    for key, share in _uses(memory, level).items():
        name, _, kind = key.partition(SEPARATOR)
        found.setdefault(name, {})[kind] = share
    return found


def _others(kinds: Mapping[str, Mapping[str, Share]], own: Mapping[str, Share], name: str) -> Share:
    """Return the uses of others, within the kinds of task that this one was used for.

    Where no kind was told of it, all uses of others.
    """
    mine = kinds.get(name, {})
    if not mine:
        return _added(share for other, share in own.items() if other != name)
    return _added(
        share
        for other, by_kind in kinds.items()
        for kind, share in by_kind.items()
        if other != name and kind in mine
    )


def _added(shares: Iterator[Share]) -> Share:
    listed = list(shares)
    return Share(sum(each.successes for each in listed), sum(each.n for each in listed))


def _merge(memory: RankingMemory, templates: Templates) -> list[Proposal]:
    """Return pairs that say the same and that nothing told so far tells apart."""
    own = _uses(memory, "template")
    known = {n: each for n, each in templates.items() if n in own and own[n].n >= ENOUGH}
    alike = [
        (a, b, like) for a, b in combinations(known, 2) if (like := _alike(known[a], known[b]))
    ]
    z = shared_z(len(alike))
    found = list[tuple[float, Proposal]]()
    for a, b, like in alike:
        apart = difference(own[a], own[b], z)
        if apart.low <= 0 <= apart.high:
            said = f"texts alike ({like:.2f} of 1); " + _in_words(own[a], own[b], apart, b)
            found.append((like, Proposal("merge", (a, b), "", own[a], own[b], apart, said)))
    return [proposal for _, proposal in sorted(found, key=lambda each: -each[0])]


def _alike(one: Template, other: Template) -> float:
    """Return the cosine of two sets of stems; 0 where texts differ, or are for other tasks."""
    if any(getattr(one, kind) != getattr(other, kind) for kind in SAME_KIND):
        return 0.0
    words = [set(each.stems) | set(stems(each.name)) for each in (one, other)]
    if not all(words):
        return 0.0
    like = len(words[0] & words[1]) / sqrt(len(words[0]) * len(words[1]))
    return like if like >= SAME_TEXT else 0.0


def _split(memory: RankingMemory, templates: Templates) -> list[Proposal]:
    """Return templates that serve some kind of task otherwise than the rest of their tasks."""
    compared = list[tuple[str, str, Share, Share]]()
    for level in KINDS:
        for name, by_kind in _by_kind(memory, level).items():
            for kind, share in by_kind.items() if name in templates else ():
                rest = _added(s for other, s in by_kind.items() if other != kind)
                if share.n >= ENOUGH and rest.n >= ENOUGH:
                    compared.append((name, f"{level} {kind}", share, rest))
    z = shared_z(len(compared))
    found = dict[str, Proposal]()
    for name, by, one, other in compared:
        apart = difference(one, other, z)
        clear = max(apart.low, -apart.high)
        if clear > 0 and (name not in found or clear > _clear(found[name])):
            said = _in_words(one, other, apart, "its other tasks")
            found[name] = Proposal("split", (name,), by, one, other, apart, f"for {by}: {said}")
    return sorted(found.values(), key=lambda each: -_clear(each))


def _clear(proposal: Proposal) -> float:
    return max(proposal.apart.low, -proposal.apart.high)


def _in_words(one: Share, other: Share, apart: Difference, others: str) -> str:
    return (
        f"served {one.successes:g} of {one.n:g}, {others} {other.successes:g} of {other.n:g}: "
        f"{apart.value:+.2f} [{apart.low:+.2f}, {apart.high:+.2f}]"
    )
