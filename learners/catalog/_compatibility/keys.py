"""The keys under which an observation of a pair is counted, from the pair up to everything."""

from dataclasses import dataclass

from learners.catalog._compatibility.types import Catalogue, Pair
from learners.numerics.words import stem, words

SEPARATOR = "\t"  # not printable, so in no name


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one pair in one context, except the project's.

    ``written`` is every (level, key) that an observation is added to, each once.
    """

    written: tuple[tuple[str, str], ...]
    pair: str
    pair_context: str
    components: Pair
    component_contexts: Pair
    stems: Pair
    stem_contexts: Pair
    words: tuple[tuple[str, ...], tuple[str, ...]]
    word_pairs: tuple[str, ...]
    stem_pair: str
    halves: Pair
    category: str


def keys_of(
    catalogue: Catalogue, common: frozenset[str], pair: Pair, context: str, *, ordered: bool
) -> Keys:
    """Return the keys of a pair; roles are told apart only where the order matters."""
    a, b = pair
    roles = ("a", "b") if ordered else ("", "")
    stems = (_stem(a, common), _stem(b, common))
    spoken = (_words(a, common), _words(b, common))

    def joined(*parts: str) -> str:
        return SEPARATOR.join(parts)

    def both(one: str, other: str) -> str:
        return joined(one, other) if ordered or one <= other else joined(other, one)

    components = (joined(roles[0], a), joined(roles[1], b))
    component_contexts = (joined(components[0], context), joined(components[1], context))
    stem_keys = (joined(roles[0], stems[0]), joined(roles[1], stems[1]))
    stem_contexts = (joined(stem_keys[0], context), joined(stem_keys[1], context))
    word_keys = (
        tuple(joined(roles[0], word) for word in spoken[0]),
        tuple(joined(roles[1], word) for word in spoken[1]),
    )
    word_pairs = tuple(dict.fromkeys(both(v, w) for v in spoken[0] for w in spoken[1]))
    halves = (joined("1", a, stems[1]), joined("2" if ordered else "1", b, stems[0]))
    category = both(catalogue.get(a).category, catalogue.get(b).category)
    pair_key, here = joined(a, b), joined(a, b, context)
    written = [("all", ""), ("context", context), ("pair", pair_key), ("pair_context", here)]
    for level, found in (
        ("component", components),
        ("component_context", component_contexts),
        ("stem", stem_keys),
        ("stem_context", stem_contexts),
        ("word", word_keys[0] + word_keys[1]),
        ("words", word_pairs),
        ("half", halves),
        ("stems", (both(*stems),)),
        ("category", (category,) if catalogue.categories else ()),
        ("same", ("",) if a == b else ()),
    ):
        written += [(level, key) for key in found]
    return Keys(
        tuple(dict.fromkeys(written)),
        pair_key,
        here,
        components,
        component_contexts,
        stem_keys,
        stem_contexts,
        word_keys,
        word_pairs,
        both(*stems),
        halves,
        category,
    )


def _words(name: str, common: frozenset[str]) -> tuple[str, ...]:
    return tuple(word for word in words(name) if word not in common)


def _stem(name: str, common: frozenset[str]) -> str:
    whole = stem(name)
    return "-".join(part for part in whole.split("-") if part not in common) or whole


class KeysOf:
    """The keys of pairs, computed once while they are asked for."""

    MOST = 8192

    def __init__(self, catalogue: Catalogue, *, ordered: bool) -> None:
        """Keep what keys are made of."""
        self.catalogue = catalogue
        self.common = catalogue.common_words()
        self.ordered = ordered
        self.known: dict[tuple[Pair, str], Keys] = {}

    def __call__(self, pair: Pair, context: str) -> Keys:
        """Return the keys of a pair in a context."""
        found = self.known.get((pair, context))
        if found is None:
            if len(self.known) >= self.MOST:
                self.known.clear()
            found = keys_of(self.catalogue, self.common, pair, context, ordered=self.ordered)
            self.known[(pair, context)] = found
        return found
