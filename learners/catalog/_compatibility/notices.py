"""What comes with an answer: warnings, and what may help."""

from collections.abc import Sequence
from difflib import get_close_matches

from learners.catalog._compatibility import rules
from learners.catalog._compatibility.features import Features
from learners.catalog._compatibility.judged import Judged
from learners.catalog._compatibility.keys import SEPARATOR
from learners.catalog._compatibility.memory import UNIT, CompatibilityMemory, note_key
from learners.catalog._compatibility.types import Catalogue, CompatibilityQuery, Context
from learners.numerics.words import is_version

HEARD = 2.0  # observations of a word from which it says something
ALIKE = 0.8  # of two spellings from which one may be meant for the other
SHOWN = 4


class Notices:
    """The warnings and suggestions of one catalogue."""

    def __init__(
        self, catalogue: Catalogue, contexts: Sequence[Context], features: Features
    ) -> None:
        """Keep what they are made of."""
        self.catalogue = catalogue
        self.contexts = {context.name: context for context in contexts}
        self.features = features

    def warnings(
        self, memory: CompatibilityMemory, query: CompatibilityQuery, judged: Sequence[Judged]
    ) -> tuple[str, ...]:
        """Return what to beware of, gravest first."""
        where = self.contexts[query.node_type]
        notes = _notes(memory, query, judged)
        said = [f"known conflict: {reason}" for reason, _ in notes if reason]
        shared: list[str] = []
        for it in judged:
            a, b = self.catalogue.get(it.pair[0]), self.catalogue.get(it.pair[1])
            if it.source != "rules":
                said += rules.conflicts(a, b, where)
            shared += rules.shared(a, b, where)
        names = dict.fromkeys(name for it in judged for name in it.pair)
        modelled = {name for it in judged if it.source == "model" for name in it.pair}
        said += [self._untested(memory, name, modelled) for name in names]
        return tuple(text for text in dict.fromkeys((*said, *shared)) if text)[:SHOWN]

    def suggestions(
        self, memory: CompatibilityMemory, query: CompatibilityQuery, judged: Sequence[Judged]
    ) -> tuple[str, ...]:
        """Return what may help."""
        notes = _notes(memory, query, judged)
        said = [f"worked before: {pattern}" for _, pattern in notes if pattern]
        for it in judged:
            if it.verdict == "incompatible":
                a, b = self.catalogue.get(it.pair[0]), self.catalogue.get(it.pair[1])
                said += rules.ways_out(a, b, self.contexts[query.node_type])
        return tuple(dict.fromkeys(said))[:SHOWN]

    def stranger(self, memory: CompatibilityMemory, name: str) -> bool:
        """Return whether neither catalogue nor memory nor the words of a name say anything."""
        if self.catalogue.get(name).described or name in self.features.layout.shown:
            return False
        told = self._told(memory, name) or self._other_versions(memory, name)
        return not (told or self._heard(memory, name))

    def _untested(self, memory: CompatibilityMemory, name: str, modelled: set[str]) -> str:
        if self._told(memory, name):
            return ""
        if self.catalogue.get(name).described:
            by = f"{name} was never tested: judged by its description"
            return by if name in modelled else ""
        if self._other_versions(memory, name):
            return f"{name} was never tested" + (
                ": judged by other versions of it" if name in modelled else ""
            )
        meant = self._meant(memory, name)
        asked = f"; did you mean {meant}?" if meant else ""
        if name in modelled:
            return f"{name} was never tested: judged by the words of its name only{asked}"
        return f"{name} was never seen{asked}"

    def _told(self, memory: CompatibilityMemory, name: str) -> bool:
        keys = self.features.keys((name, name), next(iter(self.contexts)))
        return any(key in memory.counts["component"] for key in keys.components)

    def _other_versions(self, memory: CompatibilityMemory, name: str) -> bool:
        keys = self.features.keys((name, name), next(iter(self.contexts)))
        return any(key in memory.counts["stem"] for key in keys.stems)

    def _heard(self, memory: CompatibilityMemory, name: str) -> bool:
        """Versions say nothing of a thing; neither do single letters."""
        keys = self.features.keys((name, name), next(iter(self.contexts)))
        words = {key: key.rpartition(SEPARATOR)[2] for side in keys.words for key in side}
        told = memory.counts["word"]
        return any(
            sum(told.get(key, ())) >= HEARD * UNIT
            for key, word in words.items()
            if len(word) > 1 and not is_version(word)
        )

    def _meant(self, memory: CompatibilityMemory, name: str) -> str:
        """Return the known name that this one may be a misspelling of."""
        prefix = self.catalogue.prefix.casefold()
        told = (key.rpartition(SEPARATOR)[2] for key in memory.counts["component"])
        spellings: dict[str, str] = {}
        for known in (*self.catalogue.components, *told):
            plain = known.casefold().removeprefix(prefix)
            if known != name:
                spellings[plain] = min(known, spellings.get(plain, known))
        found = get_close_matches(name.casefold().removeprefix(prefix), spellings, 1, ALIKE)
        return spellings[found[0]] if found else ""


def _notes(
    memory: CompatibilityMemory, query: CompatibilityQuery, judged: Sequence[Judged]
) -> list[tuple[str, str]]:
    """Return reasons and patterns told by this project about these components, newest first."""
    if not memory.notes:
        return []
    keys = [note_key(query.mixins, query.project)]
    keys += [note_key(it.pair, query.project) for it in judged]
    found = [note for key in dict.fromkeys(keys) for note in memory.notes.get(key, ())]
    found.sort(key=lambda note: -note.seq)
    return [(note.reason, note.pattern) for note in found]
