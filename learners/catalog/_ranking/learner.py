"""The factory: one learner per catalogue of templates. A catalog module calls ``ranking``."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from learners.catalog._ranking import params as fitted
from learners.catalog._ranking.answering import Answering
from learners.catalog._ranking.candidates import candidates
from learners.catalog._ranking.columns import COLUMNS
from learners.catalog._ranking.features import Features
from learners.catalog._ranking.labels import labels, used, verdict
from learners.catalog._ranking.memory import RankingMemory, observe
from learners.catalog._ranking.params import RankingParams
from learners.catalog._ranking.shelf import Shelf
from learners.catalog._ranking.specimens import specimen
from learners.catalog._ranking.types import (
    Ranking,
    RankingOutcome,
    RankingQuery,
    Template,
    template,
)
from learners.learner import Evidence, Learner, Option, Retrain
from learners.numerics.scoring import LOG_LOSS

RankingLearner: TypeAlias = Learner[
    RankingQuery, RankingOutcome, RankingMemory, RankingParams, Ranking
]
Entries: TypeAlias = Sequence[Mapping[str, Any]]

REVISION = 1


def ranking(
    *, name: str, title: str, templates: Sequence[Template] = (), entries: Entries = ()
) -> RankingLearner:
    """Return the learner that ranks templates.

    Args:
        name: Same as its module in the catalog.
        title: What it answers, in a few words for people.
        templates: Those known beforehand.
        entries: Those that the user has added; of the same name they stand in place of the others.
    """
    shelf = Shelf((*templates, *map(template, entries)))
    features = Features(shelf)
    return Learner(
        name=name,
        title=title,
        revision=REVISION,
        query=RankingQuery,
        outcome=RankingOutcome,
        memory=RankingMemory,
        advice=Ranking,
        columns=COLUMNS,
        observe=observe,
        options=lambda memory, query: shelf.options(query),
        features=features,
        labels=labels,
        verdict=verdict,
        group=_question,
        evidence=lambda memory: Evidence(memory.outcomes, len(memory.recent)),
        candidates=candidates(),
        score=fitted.score,
        answer=Answering(features),
        predicted=predicted,
        dump=fitted.dump,
        load=fitted.load,
        specimen=specimen,
        scoring=LOG_LOSS,
        retrain=Retrain(
            outcomes=100,
            minimum_outcomes=100,
            minimum_distinct=5,
            things="templates that were used",
        ),
        extend=lambda added: ranking(
            name=name, title=title, templates=templates, entries=(*entries, *added)
        ),
        used=used,
        texts=("task_description",),
        names=("result", "template", "shown"),
    )


def predicted(advice: Ranking) -> Mapping[Option, float | None]:
    """Return the probabilities that an answer showed."""
    return {each.name: each.probability for each in advice.templates}


def _question(query: RankingQuery) -> str:
    """Return what shares its luck: the same task, asked again."""
    said = [query.stems, query.task_type, query.language, query.framework]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
