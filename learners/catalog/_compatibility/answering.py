"""From memory and params to an answer: probabilities with their evidence, or no probability."""

from collections.abc import Mapping, Sequence

import numpy as np

from learners.catalog._compatibility import params as fitted
from learners.catalog._compatibility import reasons
from learners.catalog._compatibility.features import Features, Own
from learners.catalog._compatibility.judged import (
    OBSERVED,
    Judged,
    alone,
    contradicted,
    unheard,
    untrained,
    weakest,
)
from learners.catalog._compatibility.memory import CompatibilityMemory
from learners.catalog._compatibility.notices import Notices
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
from learners.learner import Floats
from learners.numerics import counts

SHOWN = 4
GRAVEST: tuple[Verdict, ...] = ("incompatible", "unknown", "compatible")
NEEDED = {
    "rules": "needed for a probability",
    "abstained": "needed for a probability",
    "base_rate": "needed for a rate of its own",
}


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
        self.notices = Notices(catalogue, contexts, features)

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
        return Compatibility(
            source=weakest(it.source for it in judged),
            n=min(it.own.n for it in judged),
            reasons=self._reasons(params, memory, query, judged, probability),
            verdict=self._verdict(memory, query, judged, probability),
            probability=probability,
            level=level_of(probability),
            pairs=tuple(_advice(it) for it in judged),
            warnings=self.notices.warnings(memory, query, judged),
            suggestions=self.notices.suggestions(memory, query, judged),
        )

    def _verdict(
        self,
        memory: CompatibilityMemory,
        query: CompatibilityQuery,
        judged: Sequence[Judged],
        probability: float | None,
    ) -> Verdict:
        if probability is not None:
            return verdict_of(probability)
        verdicts = {it.verdict for it in judged}
        if "incompatible" in verdicts:
            return "incompatible"
        failing = contradicted("compatible", *self._own_set(memory, query))
        return "unknown" if failing or "unknown" in verdicts else "compatible"

    def _own_set(
        self, memory: CompatibilityMemory, query: CompatibilityQuery
    ) -> tuple[float, float]:
        """Return successes and failures of the set; a pair's are its own."""
        if len(query.mixins) == 2:
            return (0.0, 0.0)
        others_s, others_f, s, f = self.features.own_set(memory, query)
        return (others_s + s, others_f + f)

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
        own = {pair: self.features.own(memory, pair, context, project) for pair in pairs}
        where = self.contexts[context]
        names = dict.fromkeys(name for pair in pairs for name in pair)
        strangers = {name for name in names if self.notices.stranger(memory, name)}
        found: dict[Pair, Judged] = {}
        for pair, its in own.items():
            if not strangers.isdisjoint(pair):
                why = _missing(pair, strangers)
                found[pair] = Judged(pair, None, "unknown", "abstained", its, why=why)
            elif params is None:
                found[pair] = untrained(self.catalogue, memory, where, pair, its)
            elif unheard(memory, pair):
                found[pair] = alone(self.catalogue, memory, where, pair, its)
        if params is not None:
            left = {pair: its for pair, its in own.items() if pair not in found}
            for it in self._modelled(params, memory, left, context, project):
                found[it.pair] = it
        return [found[pair] for pair in pairs]

    def _modelled(
        self,
        params: CompatibilityParams,
        memory: CompatibilityMemory,
        own: Mapping[Pair, Own],
        context: str,
        project: str,
    ) -> list[Judged]:
        if not own:
            return []
        rows = np.stack([self.features.pair(memory, pair, context, project) for pair in own])
        p = fitted.pair_probabilities(params, self.places, rows)
        return [
            Judged(pair, value, verdict_of(value), "model", its, row)
            for (pair, its), row, value in zip(own.items(), rows, p.tolist(), strict=True)
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

    def _reasons(
        self,
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        query: CompatibilityQuery,
        judged: Sequence[Judged],
        probability: float | None,
    ) -> tuple[str, ...]:
        source = weakest(it.source for it in judged)
        # What makes the whole incompatible is said, whatever the rest rests on.
        deciding = [it for it in judged if it.source == source or _settles(it, probability)]
        deciding.sort(key=lambda it: (GRAVEST.index(it.verdict), it.probability or 0.0))
        if len(query.mixins) == 2:
            return _why(params, deciding[0], query.node_type, whole=False)[:SHOWN]
        said = self._of_the_whole(params, memory, query, judged, probability)
        if source == "model":
            said += _why(params, deciding[0], query.node_type, whole=True)
        else:
            for it in deciding:
                said += _why(None, it, "", whole=True)
                if len(set(said)) > SHOWN:
                    break
        return tuple(dict.fromkeys(said))[: SHOWN + 1]

    def _of_the_whole(
        self,
        params: CompatibilityParams | None,
        memory: CompatibilityMemory,
        query: CompatibilityQuery,
        judged: Sequence[Judged],
        probability: float | None,
    ) -> list[str]:
        """Return what was told of a set, and how its probability comes from the pairs'."""
        s, f = self._own_set(memory, query)
        said = [f"{s:.0f} of {s + f:.0f} outcomes of this set here succeeded"] if s + f else []
        if probability is not None:
            least = min(judged, key=lambda it: it.probability or 0.0)
            said.append(f"weakest pair: {_named(least.pair)}")
            said.append(_how_joined(params, len(judged)))
        return said


def _settles(it: Judged, probability: float | None) -> bool:
    return probability is None and it.verdict == "incompatible"


def _why(
    params: CompatibilityParams | None, it: Judged, context: str, *, whole: bool
) -> tuple[str, ...]:
    """Return why a pair is judged so, its own observations first."""
    named = _named(it.pair)
    told = reasons.told(it.own, named if whole else "")
    if told and it.source in NEEDED:
        told += f"; {OBSERVED} {'are' if it.own.n else 'here are'} {NEEDED[it.source]}"
    said = [told] if told else []
    if it.source == "model":
        if params is not None:
            said += reasons.reasons(params, it.row, it.pair, context)
        else:
            said.append(f"{named}: {it.probability:.2f} (model)")
    said += [text.replace("this pair", named) if whole else text for text in it.why]
    return tuple(said)


def _named(pair: Pair) -> str:
    return " and ".join(pair)


def _missing(pair: Pair, strangers: set[str]) -> tuple[str, ...]:
    unknown = [name for name in dict.fromkeys(pair) if name in strangers]
    return tuple(
        f"nothing is known of {name}: {OBSERVED} tests with it are needed, 0 are known"
        for name in unknown
    )


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


def _how_joined(params: CompatibilityParams | None, pairs: int) -> str:
    if params is not None and params.sets_learned:
        return f"the whole: from told sets, how {pairs} pairs fail together"
    return (
        f"the whole: {pairs} probabilities of pairs multiplied as if independent, which is "
        "pessimistic for many pairs; too few sets were told to do better"
    )
