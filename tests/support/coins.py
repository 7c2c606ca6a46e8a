"""The smallest learner that has everything: coins, of which the marked ones mostly fall heads."""

from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict

from learners.errors import Damaged, TooFewExamples
from learners.learner import (
    Advice,
    Event,
    Evidence,
    Example,
    Floats,
    Label,
    Learner,
    Option,
    Retrain,
    Row,
    Table,
)
from learners.numerics.scoring import LOG_LOSS

ENOUGH = 5
COLUMNS = ("marked", "tossed", "rate")


class Toss(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    coin: str
    marked: bool = False
    project: str = ""


class Fell(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    heads: int = 0
    tails: int = 0
    remark: str = ""


class Heads(Advice):
    probability: float | None


@dataclass
class Memory:
    coins: dict[str, list[float]] = field(default_factory=dict)
    heads: float = 0.0
    tails: float = 0.0


@dataclass(frozen=True)
class Params:
    plain: float
    marked: float


def observe(memory: Memory, event: Event[Toss, Fell]) -> None:
    if event.replaced is not None:
        _count(memory, event.replaced, -1)
    _count(memory, event, 1)


def _count(memory: Memory, event: Event[Toss, Fell], sign: int) -> None:
    coin = memory.coins.setdefault(event.query.coin, [0.0, 0.0])
    coin[0] += sign * event.outcome.heads
    coin[1] += sign * event.outcome.tails
    memory.heads += sign * event.outcome.heads
    memory.tails += sign * event.outcome.tails


def features(memory: Memory, query: Toss, option: Option, at: float) -> Row:
    heads, tails = memory.coins.get(query.coin, (0.0, 0.0))
    rate = (heads + 0.5) / (heads + tails + 1)
    return np.array([query.marked, np.log1p(heads + tails), rate], dtype=np.float32)


def fit(table: Table, rng: np.random.Generator) -> Params:
    if len(table) < 4:
        raise TooFewExamples(f"{len(table)} of 4 rows")
    marked = table.x[:, 0] > 0
    return Params(
        *(LOG_LOSS.constant(table.y[rows], table.weight[rows]) for rows in (~marked, marked))
    )


def score(params: Params, table: Table) -> Floats:
    return np.where(table.x[:, 0] > 0, params.marked, params.plain).astype(np.float64)


def answer(
    params: Params | None, memory: Memory, query: Toss, at: float, rng: np.random.Generator
) -> Heads:
    heads, tails = memory.coins.get(query.coin, (0.0, 0.0))
    n = int(heads + tails)
    if params is not None:
        p = params.marked if query.marked else params.plain
        return Heads(source="model", n=n, reasons=("marked",), probability=p)
    if n >= ENOUGH:
        return Heads(source="observed", n=n, reasons=(), probability=(heads + 0.5) / (n + 1))
    told = int(memory.heads + memory.tails)
    if told >= ENOUGH:
        rate = (memory.heads + 0.5) / (told + 1)
        return Heads(source="base_rate", n=told, reasons=(), probability=rate)
    return Heads(source="abstained", n=n, reasons=(f"{n} of {ENOUGH} tosses",), probability=None)


def load(data: bytes) -> Params:
    try:
        plain, marked = np.frombuffer(data, dtype=np.float64)
    except ValueError as error:
        raise Damaged(f"coins: {error}") from None
    return Params(float(plain), float(marked))


def specimen(rng: np.random.Generator) -> Example[Toss, Fell]:
    coin, at = int(rng.integers(40)), float(rng.integers(1000))
    heads = bool(rng.random() < (0.9 if coin % 2 else 0.2))
    return Example(
        query=Toss(coin=f"coin{coin}", marked=bool(coin % 2)),
        outcome=Fell(heads=int(heads), tails=int(not heads)),
        asked=at,
        known=at + float(rng.integers(20)),
    )


LEARNER = Learner[Toss, Fell, Memory, Params, Heads](
    name="coins",
    title="whether a coin falls heads",
    revision=1,
    query=Toss,
    outcome=Fell,
    memory=Memory,
    advice=Heads,
    columns=COLUMNS,
    observe=observe,
    options=lambda memory, query: (None,),
    features=features,
    labels=lambda query, outcome: (
        Label(None, 1.0, outcome.heads),
        Label(None, 0.0, outcome.tails),
    ),
    verdict=lambda word: Fell(heads=int(word == "success"), tails=int(word == "failure")),
    group=lambda query: query.coin,
    evidence=lambda memory: Evidence(int(memory.heads + memory.tails), len(memory.coins)),
    candidates={"by_mark": fit},
    score=score,
    answer=answer,
    predicted=lambda advice: {None: advice.probability},
    dump=lambda params: np.array([params.plain, params.marked]).tobytes(),
    load=load,
    specimen=specimen,
    scoring=LOG_LOSS,
    retrain=Retrain(minimum_outcomes=40, minimum_distinct=20, things="coins"),
)
