"""The factory: one learner per catalogue.

Mixins on node types, licences in a distribution, versions of packages
under a compiler. A catalogue module calls ``compatibility`` and ends in ``LEARNER``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from learners.catalog._compatibility import params as fitted
from learners.catalog._compatibility.answering import Answering
from learners.catalog._compatibility.candidates import CONTEXT_WEIGHT, candidates, digest
from learners.catalog._compatibility.features import Features
from learners.catalog._compatibility.keys import KeysOf
from learners.catalog._compatibility.memory import CompatibilityMemory, Fold
from learners.catalog._compatibility.params import CompatibilityParams, Places
from learners.catalog._compatibility.recommending import Recommending
from learners.catalog._compatibility.types import (
    AND,
    WHOLE,
    Catalogue,
    Compatibility,
    CompatibilityOutcome,
    CompatibilityQuery,
    Context,
    canonical,
    option_of,
    pairs_of,
    query_type,
)
from learners.learner import Evidence, Example, Label, Learner, Option, Retrain
from learners.numerics.scoring import LOG_LOSS

CompatibilityLearner: TypeAlias = Learner[
    CompatibilityQuery,
    CompatibilityOutcome,
    CompatibilityMemory,
    CompatibilityParams,
    Compatibility,
]
Entries: TypeAlias = Sequence[Mapping[str, Any]]

REVISION = 2


def compatibility(
    catalogue: Catalogue,
    contexts: Sequence[Context],
    *,
    ordered: bool,
    name: str = "mixin_compatibility",
    title: str = "Can these be combined here?",
    entries: Entries = (),
) -> CompatibilityLearner:
    """Return the learner of a catalogue.

    Args:
        name: Same as its module in the catalog.
        catalogue: What is known beforehand of components.
        contexts: Where they are combined; the allowed values of ``node_type``.
        ordered: Whether (a, b) is another question than (b, a).
        title: What it answers, in a few words for people.
        entries: Components that the user has added; they change no column.
    """
    known = catalogue.extended(entries)
    keys = KeysOf(known, ordered=ordered)
    features = Features(known, contexts, keys, ordered=ordered)
    places = Places.of(features.columns)
    columns = features.columns
    query = query_type(known, contexts)
    return Learner(
        name=name,
        title=title,
        revision=REVISION,
        query=query,
        outcome=CompatibilityOutcome,
        memory=CompatibilityMemory,
        advice=Compatibility,
        columns=columns,
        observe=Fold(keys, ordered=ordered),
        options=lambda _, asked: _options(asked, ordered=ordered),
        features=features,
        labels=partial(_labels, ordered=ordered),
        verdict=_verdict,
        group=lambda asked: AND.join(canonical(asked.mixins, ordered=ordered)),
        evidence=lambda memory: Evidence(memory.outcomes, memory.eligible),
        candidates=candidates(columns, ordered=ordered),
        score=lambda params, table: fitted.score(params, places, table),
        answer=Answering(known, contexts, features),
        predicted=predicted,
        dump=fitted.dump,
        load=lambda data: fitted.load(data, len(columns), digest(columns)),
        specimen=partial(_specimen, query, known, contexts),
        scoring=LOG_LOSS,
        retrain=Retrain(
            outcomes=100,
            minimum_outcomes=100,
            minimum_distinct=50,
            accuracy=0.9,
            things="pairs with 3 tests or a label",
        ),
        extend=lambda added: compatibility(
            catalogue,
            contexts,
            ordered=ordered,
            name=name,
            title=title,
            entries=(*entries, *added),
        ),
    )


def recommender(
    catalogue: Catalogue, contexts: Sequence[Context], *, ordered: bool, entries: Entries = ()
) -> Recommending:
    """Return what recommends components of a catalogue with the user's entries."""
    known = catalogue.extended(entries)
    features = Features(known, contexts, KeysOf(known, ordered=ordered), ordered=ordered)
    return Recommending(Answering(known, contexts, features), query_type(known, contexts))


def predicted(advice: Compatibility) -> Mapping[Option, float | None]:
    """Return the probabilities that an answer showed, for its pairs and for the set."""
    pairs: dict[Option, float | None] = {
        option_of((it.a, it.b)): it.probability for it in advice.pairs
    }
    return {**pairs, WHOLE: advice.probability}


def _options(query: CompatibilityQuery, *, ordered: bool) -> tuple[Option, ...]:
    pairs = [option_of(pair) for pair in pairs_of(query.mixins, ordered=ordered)]
    return (*pairs, WHOLE) if len(query.mixins) > 2 else tuple(pairs)


def _labels(
    query: CompatibilityQuery, outcome: CompatibilityOutcome, *, ordered: bool
) -> tuple[Label, ...]:
    """Return what tests say: a set that works has working pairs, one that fails blames none.

    The pairs of a failed set come along with next to no weight: the set is judged by them.
    """
    pairs = [option_of(pair) for pair in pairs_of(query.mixins, ordered=ordered)]
    success, failure = float(outcome.success), float(outcome.failure)
    found: list[Label] = []
    whole = len(query.mixins) > 2
    if success:
        found += [Label(option, 1.0, success) for option in pairs]
        found += [Label(WHOLE, 1.0, success)] if whole else []
    if failure and whole:
        found += [] if success else [Label(option, 0.0, CONTEXT_WEIGHT) for option in pairs]
        found.append(Label(WHOLE, 0.0, failure))
    elif failure:
        found.append(Label(pairs[0], 0.0, failure))
    return tuple(found)


def _verdict(said: Literal["success", "neutral", "failure"]) -> CompatibilityOutcome:
    return CompatibilityOutcome.model_validate({said: 1})


def _specimen(
    query: type[CompatibilityQuery],
    catalogue: Catalogue,
    contexts: Sequence[Context],
    rng: np.random.Generator,
) -> Example[CompatibilityQuery, CompatibilityOutcome]:
    names = (*catalogue.components, "Stranger#1.0", "Stranger#2.0")
    size = int(rng.choice([2, 2, 2, 3, 4]))
    chosen = tuple(str(name) for name in rng.choice(names, size))
    where = contexts[int(rng.integers(len(contexts)))].name
    # A simple truth: some names do better than others, nothing goes with itself.
    good = len(set(chosen)) == size and rng.random() < 0.5 + sum(len(n) % 3 for n in chosen) / 10
    asked = float(rng.uniform(1.7e9, 1.8e9))
    times = int(rng.integers(1, 4))
    return Example(
        query=query(
            mixins=chosen, node_type=where, project=str(rng.choice(["", "one", "another"]))
        ),
        outcome=CompatibilityOutcome(success=times)
        if good
        else CompatibilityOutcome(failure=times),
        asked=asked,
        known=asked + float(rng.uniform(1, 3600)),
    )
