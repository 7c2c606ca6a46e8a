"""How well templates are ranked on public data, beside what the data's README reports.

Read by ``make evaluate``. Cosqa: questions of people and the functions that answer them, ranked
cold and after feedback about other questions. Lambdarank_example: the ranker's trees alone, over
columns that are not ours. Nothing is tuned to either.
"""

import csv
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from learners.catalog._ranking import RankingLearner, lambdarank
from learners.catalog._ranking.answering import Answering
from learners.catalog._ranking.features import Features
from learners.catalog._ranking.memory import RankingMemory
from learners.catalog._ranking.params import RankingParams
from learners.catalog._ranking.shelf import Shelf
from learners.catalog._ranking.types import RankingOutcome, RankingQuery
from learners.catalog.template_ranking import LEARNER, templates
from learners.learner import Example, Floats, Row, Table
from learners.numerics import intervals
from learners.replay import log, replay
from learners.training import train
from tests.evaluation.compatibility import Measure

Judged = Example[RankingQuery, RankingOutcome]

NOON = 1_700_000_000.0
COLUMNS = 301  # of lambdarank_example, numbered from 1
BASELINES = {1: 0.593, 3: 0.619, 5: 0.673, 10: 0.738}


def cosqa(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield ranks cold, then before and after feedback about the other half of the questions."""
    data = _read(folder / "cosqa")
    for language, note in (("", "the question alone"), ("python", "with its language")):
        ranks = _ranks(data, None, data.learner.memory(), data.questions, language)
        name = f"cosqa cold, {note}"
        yield _share(f"{name}: MRR", 1 / ranks, 0.34, 0.340, f"{len(ranks)} questions", rng)
        for k, baseline in ((1, 0.230), (5, 0.456), (10, 0.574)):
            within = (ranks <= k).astype(np.float64)
            yield _share(f"{name}: R@{k}", within, None, baseline, "baseline: BM25", rng)
    for language, note in (("", "the question alone"), ("python", "with its language")):
        yield from _fed(data, language, note, rng)


def _fed(data: "Cosqa", language: str, note: str, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield gains: each half of the judged questions after the other, then all others."""
    before, after, promoted = list[Floats](), list[Floats](), 0
    for half in (0, 1):
        asked = [
            Question(pair.text, pair.name)
            for pair in data.judged
            if _half(pair.text) != half and pair.fits
        ]
        told = [pair for pair in data.judged if _half(pair.text) == half]
        cold, fed, version = _gained(data, told, asked, language, rng)
        before, after, promoted = [*before, cold], [*after, fed], promoted + version
    name = f"cosqa after feedback on half, {note}"
    cold, fed = np.concatenate(before), np.concatenate(after)
    yield _share(f"{name}: MRR", fed, None, float(cold.mean()), "baseline: before", rng)
    shown = f"paired over {len(cold)} questions; {promoted} of 2 runs promoted a version"
    yield _share(f"{name}: gain", fed - cold, 0.0, None, shown, rng)
    for i in (0, 1):
        yield _share(f"{name}: gain, half {1 - i}", after[i] - before[i], None, None, "", rng)
    judged = {pair.text for pair in data.judged}
    others = [each for each in data.questions if each.text not in judged]
    cold, fed, promoted = _gained(data, data.judged, others, language, rng)
    shown = f"paired over {len(others)} questions; {promoted} of 1 runs promoted a version"
    yield _share(f"cosqa after feedback on all, {note}: gain", fed - cold, 0.0, None, shown, rng)


def _gained(
    data: "Cosqa",
    told: Sequence["Pair"],
    asked: Sequence["Question"],
    language: str,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, int]:
    """Return reciprocal ranks before and after, and whether a run promoted a version."""
    entries = log([_example(pair, i, language) for i, pair in enumerate(told)])
    memory = replay(data.learner, entries).memory
    run = train(data.learner, entries, None, rng, requested=True, report=False)
    params = run.params if run.result == "admitted" else None
    return (
        1 / _ranks(data, None, data.learner.memory(), asked, language),
        1 / _ranks(data, params, memory, asked, language),
        int(params is not None),
    )


def ranker(folder: Path, rng: np.random.Generator) -> Iterator[Measure]:
    """Yield NDCG of the lambdarank fit on columns that are not ours."""
    of = folder / "lambdarank_example"
    train_rows, test_rows = _table(of / "train.csv.gz"), _table(of / "test.csv.gz")
    scores = lambdarank.fit(train_rows).score(test_rows.x)
    lists = [np.flatnonzero(test_rows.example == each) for each in np.unique(test_rows.example)]
    lists = [rows for rows in lists if test_rows.y[rows].any()]
    for k, baseline in BASELINES.items():
        found = [ndcg(test_rows.y[rows], scores[rows], k) for rows in lists]
        goal = baseline if k == 10 else None
        note = f"{len(lists)} lists; nothing is drawn, so every seed gives this"
        yield _share(f"lambdarank_example NDCG@{k}", np.array(found), goal, baseline, note, rng)


def ndcg(relevance: Floats, scores: Floats, k: int) -> float:
    """Return the normalised discounted gain 2^relevance - 1 of the first k by score."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    best = np.sort(relevance)[::-1][:k]
    first = relevance[np.argsort(-scores, kind="stable")][:k]
    gain = (2.0**first - 1) @ discount[: len(first)]
    return float(gain / ((2.0**best - 1) @ discount[: len(best)]))


class Question(NamedTuple):
    """A question and the one candidate that answers it."""

    text: str
    name: str


class Pair(NamedTuple):
    """A question and a candidate that somebody judged."""

    text: str
    name: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Cosqa:
    """The candidates as a catalogue, questions, and judged pairs."""

    learner: RankingLearner
    answering: Answering
    questions: Sequence[Question]
    judged: Sequence[Pair]


def _read(folder: Path) -> Cosqa:
    corpus = [json.loads(line) for line in _lines(folder / "corpus.jsonl.gz")]
    often = Counter(each["name"] for each in corpus)
    names = [
        each["name"] if often[each["name"]] == 1 else f"{each['name']} #{each['id']}"
        for each in corpus
    ]
    entries = [
        {"name": name, "text": _text(each), "language": "python"}
        for name, each in zip(names, corpus, strict=True)
    ]
    place = {_text(each) + each["name"]: name for each, name in zip(corpus, names, strict=True)}
    lines = [json.loads(line) for line in _lines(folder / "judged_pairs.jsonl.gz")]
    with (folder / "queries.csv").open(newline="", encoding="utf-8") as file:
        questions = [
            Question(row["query"], names[int(row["relevant_id"])]) for row in csv.DictReader(file)
        ]
    assert LEARNER.extend is not None
    return Cosqa(
        LEARNER.extend(tuple(entries)),
        Answering(Features(Shelf(templates(entries)))),
        questions,
        [
            Pair(line["query"], place[_text(line) + line["name"]], line["label"] == 1)
            for line in lines
        ],
    )


def _text(candidate: Mapping[str, Any]) -> str:
    words = [word for word, times in candidate["words"].items() for _ in range(times)]
    return " ".join([candidate["doc"], *words])


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def _half(text: str) -> int:
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), 16) % 2


def _example(pair: Pair, i: int, language: str) -> Judged:
    return Example(
        query=RankingQuery(task_description=pair.text, language=language, candidates=(pair.name,)),
        outcome=RankingOutcome(result="success" if pair.fits else "failure", template=pair.name),
        asked=NOON + i,
        known=NOON + i + 0.5,
    )


def _ranks(
    data: Cosqa,
    params: RankingParams | None,
    memory: RankingMemory,
    questions: Sequence[Question],
    language: str,
) -> Floats:
    """Return the rank of the right candidate among all; ties count half."""
    found = list[float]()
    for each in questions:
        query = RankingQuery(task_description=each.text, language=language)
        order = data.answering.order(params, memory, query, NOON)
        values = np.array(order.values)
        own = values[order.names.index(each.name)]
        found.append(1 + float((values > own).sum()) + float((values == own).sum() - 1) / 2)
    return np.array(found)


def _table(path: Path) -> Table:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    x: Row = np.zeros((len(rows), COLUMNS), dtype=np.float32)
    for i, row in enumerate(rows):
        for each in row["features"].split():
            column, value = each.split(":")
            x[i, int(column)] = float(value)
    n = len(rows)
    return Table(
        columns=tuple(map(str, range(COLUMNS))),
        x=x,
        y=np.array([float(row["relevance"]) for row in rows]),
        weight=np.ones(n),
        option=(None,) * n,
        asked=np.zeros(n),
        known=np.zeros(n),
        group=tuple(row["query"] for row in rows),
        propensity=np.full(n, np.nan),
        example=np.array([int(row["query"]) for row in rows]),
    )


def _share(
    name: str,
    values: Floats,
    goal: float | None,
    baseline: float | None,
    note: str,
    rng: np.random.Generator,
) -> Measure:
    n = len(values)
    found = intervals.interval(values, np.ones(n), np.arange(n), rng)
    return Measure(name, found.value, (found.low, found.high), goal, baseline, note)
