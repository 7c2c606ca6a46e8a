"""From memory and params to an answer: probabilities with their evidence, or no probability."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from learners.catalog._compatibility import params as fitted
from learners.catalog._compatibility import reasons, rules
from learners.catalog._compatibility.features import PAIR, Features, Own
from learners.catalog._compatibility.memory import UNIT, CompatibilityMemory, note_key
from learners.catalog._compatibility.params import CompatibilityParams, Places
from learners.catalog._compatibility.types import (
    Catalogue,
    Compatibility,
    CompatibilityQuery,
    Context,
    Pair,
    PairAdvice,
    Verdict,
    level_of,
    pairs_of,
    verdict_of,
)
from learners.learner import Floats, Row, Source
from learners.numerics import counts
from learners.numerics.words import is_version

OBSERVED = 5  # tests of a pair from which its own rate is served
TOLD = 20  # outcomes about TOLD_PAIRS different pairs from which the pooled rate is served
TOLD_PAIRS = 5
HEARD = 2.0  # observations of a word from which it says something
WEAKEST: Sequence[Source] = ("abstained", "rules", "base_rate", "observed", "model")
SHOWN = 4


class Judged(NamedTuple):
    """A pair with what is expected of it."""

    pair: Pair
    probability: float | None
    verdict: Verdict
    source: Source
    own: Own
    row: Row
    why: tuple[str, ...] = ()


def weakest(sources: Iterable[Source]) -> Source:
    """Return the source that an answer resting on all of these has."""
    found: Source = "model"
    for source in sources:
        if WEAKEST.index(source) < WEAKEST.index(found):
            found = source
    return found


class Answering:
    """The answers of one catalogue."""

    def __init__(
        self, catalogue: Catalogue, contexts: Sequence[Context], features: Features
    ) -> None:
        """Keep what answers are made of."""
        self.catalogue = catalogue
        self.contexts = {context.name: context for context in contexts}
        self.features = features
        self.places = Places.of(features.columns)

    def __call__(
        self,
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        query: CompatibilityQuery,
        at: float,
        rng: np.random.Generator,
    ) -> Compatibility:
        """Return the advice for a query; nothing is drawn and nothing depends on the time."""
        del at, rng
        judged = self.judge(params, memory, query)
        probability = self.together(params, memory, query, judged)
        source = weakest(it.source for it in judged)
        verdicts = [it.verdict for it in judged]
        verdict: Verdict = verdict_of(probability)
        if probability is None and "incompatible" in verdicts:
            verdict = "incompatible"
        elif probability is None and "unknown" not in verdicts:
            verdict = "compatible"
        return Compatibility(
            source=source,
            n=min(it.own.n for it in judged),
            reasons=self._reasons(params, query, judged, source),
            verdict=verdict,
            probability=probability,
            level=level_of(probability),
            pairs=tuple(_advice(it) for it in judged),
            warnings=self._warnings(memory, query, judged),
            suggestions=self._suggestions(memory, query, judged),
        )

    def judge(
        self,
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        query: CompatibilityQuery,
    ) -> list[Judged]:
        """Return what is expected of every pair of a query."""
        pairs = pairs_of(query.mixins, ordered=self.features.ordered)
        return self.judge_pairs(params, memory, pairs, query.node_type, query.project)

    def judge_pairs(
        self,
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        pairs: Sequence[Pair],
        context: str,
        project: str,
    ) -> list[Judged]:
        """Return what is expected of each of some pairs."""
        own = [self.features.own(memory, pair, context, project) for pair in pairs]
        if params is None:
            return [
                self._unfitted(memory, context, pair, its)
                for pair, its in zip(pairs, own, strict=True)
            ]
        rows = np.stack([self.features.pair(memory, pair, context, project) for pair in pairs])
        p = fitted.pair_probabilities(params, self.places, rows)
        strangers = {name: self.stranger(memory, name) for pair in pairs for name in pair}
        return [
            Judged(pair, None, "unknown", "abstained", its, row, self._missing(pair, strangers))
            if strangers[pair[0]] or strangers[pair[1]]
            else Judged(pair, value, verdict_of(value), "model", its, row)
            for pair, its, row, value in zip(pairs, own, rows, p.tolist(), strict=True)
        ]

    def together(
        self,
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        query: CompatibilityQuery,
        judged: Sequence[Judged],
    ) -> float | None:
        """Return the probability of the whole; None as soon as one pair has none."""
        known = [it.probability for it in judged if it.probability is not None]
        if len(known) < len(judged):
            return None
        if len(query.mixins) == 2:
            return known[0]
        logs: Floats = np.log(np.array(known))
        row = self.features.whole(memory, query)[None, :]
        log_sum, log_least = np.array([sum(logs.tolist())]), np.array([logs.min()])
        if params is not None:
            p = fitted.set_probability(params, self.places, row, log_sum, log_least)
        else:
            p = np.exp(log_sum)
            own = row[:, self.places.sets + 5 : self.places.sets + 9].astype(np.float64)
            for i in (0, 2):
                p = counts.posterior(p, own[:, i], own[:, i + 1], fitted.STRENGTHS["set"])
        return float(p[0])

    def stranger(self, memory: CompatibilityMemory, name: str) -> bool:
        """Return whether neither catalogue nor memory nor the words of a name say anything."""
        if self.catalogue.get(name).described or name in self.features.layout.shown:
            return False
        keys = self.features.keys((name, name), next(iter(self.contexts)))
        for level, found in (("component", keys.components), ("stem", keys.stems)):
            if any(key in memory.counts[level] for key in found):
                return False
        told = memory.counts["word"]
        spoken = {word for side in keys.words for word in side}
        return not any(
            sum(told[word]) >= HEARD * UNIT
            for word in spoken
            if word in told and not is_version(word.rpartition("\t")[2])
        )

    def _unfitted(self, memory: CompatibilityMemory, context: str, pair: Pair, own: Own) -> Judged:
        row = np.empty(0, dtype=np.float32)
        s, f = own.here[0] + own.project[0], own.here[1] + own.project[1]
        every = memory.counts["all"].get("", [0, 0])
        base = (every[0] / UNIT - s + 1) / (sum(every) / UNIT - s - f + 2)
        p = counts.shrunk(s, f, min(max(base, 0.01), 0.99), PAIR)
        if s + f >= OBSERVED:
            said = f"{s:.0f} of {s + f:.0f} tests of {' and '.join(pair)} succeeded"
            return Judged(pair, p, verdict_of(p), "observed", own, row, (said,))
        if memory.outcomes >= TOLD and len(memory.counts["pair"]) >= TOLD_PAIRS:
            said = f"{base:.0%} of all tests succeeded; of this pair {s + f:.0f} are known"
            return Judged(pair, p, verdict_of(p), "base_rate", own, row, (said,))
        a, b = self.catalogue.get(pair[0]), self.catalogue.get(pair[1])
        verdict, why = rules.judge(a, b, self.contexts[context])
        if verdict != "unknown":
            return Judged(pair, None, verdict, "rules", own, row, why)
        needed = f"{OBSERVED} tests of {' and '.join(pair)} are needed, {s + f:.0f} are known"
        return Judged(pair, None, "unknown", "abstained", own, row, (*why, needed))

    def _missing(self, pair: Pair, strangers: dict[str, bool]) -> tuple[str, ...]:
        unknown = [name for name in dict.fromkeys(pair) if strangers[name]]
        return tuple(
            f"nothing is known of {name}: {OBSERVED} tests with it are needed, 0 are known"
            for name in unknown
        )

    def _reasons(
        self,
        params: CompatibilityParams | None,
        query: CompatibilityQuery,
        judged: Sequence[Judged],
        source: Source,
    ) -> tuple[str, ...]:
        deciding = [it for it in judged if it.source == source]
        worst = min(deciding, key=lambda it: (it.verdict != "incompatible", it.probability or 0.0))
        whole = len(query.mixins) > 2
        said: list[str] = []
        if source == "model" and params is not None:
            said += reasons.reasons(params, self.places, worst.row, worst.pair, query.node_type)
            if whole:
                said.insert(0, f"weakest pair: {' and '.join(worst.pair)}")
                said.insert(1, _how_joined(params, len(judged)))
        else:
            said += list(dict.fromkeys(reason for it in deciding for reason in it.why))
            if worst.verdict == "incompatible":
                said = list(dict.fromkeys([*worst.why, *said]))
        return tuple(said[: SHOWN + 1 if whole else SHOWN])

    def _warnings(
        self, memory: CompatibilityMemory, query: CompatibilityQuery, judged: Sequence[Judged]
    ) -> tuple[str, ...]:
        where = self.contexts[query.node_type]
        notes = _notes(memory, query, judged)
        said = [f"known conflict: {reason}" for reason, _ in notes if reason]
        for it in judged:
            a, b = self.catalogue.get(it.pair[0]), self.catalogue.get(it.pair[1])
            if it.source != "rules":
                said += rules.conflicts(a, b, where)
            said += rules.shared(a, b, where)
        seen = memory.counts["component"]
        for name in dict.fromkeys(name for it in judged for name in it.pair):
            keys = self.features.keys((name, name), query.node_type)
            if not self.catalogue.get(name).described and not any(
                key in seen for key in keys.components
            ):
                said.append(f"{name} was never seen")
        return tuple(dict.fromkeys(said))[:SHOWN]

    def _suggestions(
        self, memory: CompatibilityMemory, query: CompatibilityQuery, judged: Sequence[Judged]
    ) -> tuple[str, ...]:
        notes = _notes(memory, query, judged)
        said = [f"worked before: {pattern}" for _, pattern in notes if pattern]
        for it in judged:
            if it.verdict == "incompatible":
                a, b = self.catalogue.get(it.pair[0]), self.catalogue.get(it.pair[1])
                said += rules.ways_out(a, b, self.contexts[query.node_type])
        return tuple(dict.fromkeys(said))[:SHOWN]


def _advice(it: Judged) -> PairAdvice:
    return PairAdvice(
        a=it.pair[0],
        b=it.pair[1],
        verdict=it.verdict,
        probability=it.probability,
        level=level_of(it.probability),
        n=it.own.n,
        source=it.source,
    )


def _how_joined(params: CompatibilityParams, pairs: int) -> str:
    if params.sets_learned:
        return f"the whole: from told sets, how {pairs} pairs fail together"
    return f"the whole: product of {pairs} pairs, too few sets were told to do better"


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
