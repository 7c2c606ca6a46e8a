"""What predicting a generation costs in this process, and what it costs to learn from many."""

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import anyio
import numpy as np

from learners.catalog import (
    generation_complexity,
    generation_quality,
    generation_success,
    generation_time,
)
from learners.catalog._generation.types import (
    TASK_TYPES,
    ComplexityOutcome,
    GenerationQuery,
    QualityOutcome,
    SuccessOutcome,
    TimeOutcome,
)
from learners.learner import AnyExample, AnyLearner, Example
from learners.lifecycle import Lifecycle
from learners.replay import Rows, asked, log, replay
from learners.serving import Caller, Live
from learners.training_child import trained
from learners.training_files import EVENTS, JOB, Found, Job, event_line
from tests.benchmarks.measure import Measure, quantile
from tools.context import Call
from tools.predict_generation_success import predict_generation_success

if TYPE_CHECKING:
    from anyio.abc import Process

TOLD, LEARNED = 5_000, 10_000  # outcomes
ASKED, WARM = 1_500, 100
WHOLE, ALONE = "full answer of predict_generation_success", "success alone"
SERVED = "blend"  # the dearest to answer with: a linear model and trees
WORDS, LONGEST_WORDS, COMMON = 6_000, 120, 1.3  # of descriptions; words are as unequal as in prose
PROJECTS, AGENTS, MODELS, TASKS = 300, 12, 6, 4_000
START, APART, TAKES = 1.75e9, 600.0, 300.0  # seconds
LOOK = 0.2  # seconds between looks at the child's memory

SUCCESS: AnyLearner = generation_success.LEARNER
LEARNERS: tuple[AnyLearner, ...] = (
    SUCCESS, generation_complexity.LEARNER, generation_time.LEARNER, generation_quality.LEARNER,
)  # fmt: skip
OUTCOMES: Mapping[str, Callable[[float, float], Any]] = {
    "generation_success": lambda ease, luck: SuccessOutcome(
        action="approve" if ease + luck > 0 else "reject"
    ),
    "generation_complexity": lambda ease, luck: ComplexityOutcome(
        complexity=float(np.clip(5 - 2 * ease - luck, 0, 10))
    ),
    "generation_time": lambda ease, luck: TimeOutcome(
        seconds=float(np.exp(5 - ease - luck)), cost_usd=float(np.exp(-ease - luck) / 10)
    ),
    "generation_quality": lambda ease, luck: QualityOutcome(
        quality=float(np.clip(6 + 2 * ease + luck, 0, 10))
    ),
}


def questions(n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return questions as a tool is asked them: some tasks are tried more than once."""
    words = [f"{syllable}{i:x}" for i in range(WORDS // 3) for syllable in ("ma", "tor", "vel")]
    tasks = [_task(words, rng) for _ in range(TASKS)]
    return [
        {
            **tasks[int(rng.integers(TASKS))],
            "agent": f"agent{int(rng.zipf(1.5)) % AGENTS}",
            "model": f"model{int(rng.integers(MODELS))}",
            "temperature": round(float(rng.uniform(0, 1)), 2),
            "rag_examples": int(rng.integers(0, 6)),
        }
        for _ in range(n)
    ]


def _task(words: list[str], rng: np.random.Generator) -> dict[str, Any]:
    places = rng.zipf(COMMON, int(rng.integers(8, LONGEST_WORDS))) % WORDS
    return {
        "task_description": f"{' '.join(words[i] for i in places.tolist())}; it must be validated",
        "task_type": str(rng.choice(TASK_TYPES)),
        "language": str(rng.choice(["python", "go", "typescript", "rust"])),
        "project": f"project{int(rng.zipf(1.3)) % PROJECTS}",
    }


def history(learner: AnyLearner, n: int) -> list[AnyExample]:
    """Return outcomes that depend on the agent, the kind of task and luck."""
    rng = np.random.default_rng(0)
    found = list[AnyExample]()
    for i, given in enumerate(questions(n, rng)):
        query = GenerationQuery.model_validate(given)
        ease = (len(query.agent) - 6 + TASK_TYPES.index(query.task_type) - 4) / 4
        outcome = OUTCOMES[learner.name](ease, float(rng.normal(0, 1)))
        at = START + APART * i
        found.append(Example(query=query, outcome=outcome, asked=at, known=at + TAKES))
    return found


def answers(directory: Path) -> Iterator[Measure]:
    """Ask with a history remembered and a version of every learner served."""
    del directory
    lives = {learner.name: _served(learner) for learner in LEARNERS}
    found = anyio.run(_asks, lives)
    for name, goal in ((WHOLE, 10), (ALONE, 5)):
        took, spent = ([each[i] for each in found[name]] for i in (0, 1))
        yield Measure(
            name=f"{name}, {TOLD} outcomes, versions served: p99",
            value=quantile(took, 0.99), unit="ms", goal=goal,
            detail=f"p50 {median(took):.2f} ms; of the processor p50 {median(spent):.2f} ms, "
            f"p99 {quantile(spent, 0.99):.2f} ms; in this process, {SERVED}",
        )  # fmt: skip


def _served(learner: AnyLearner) -> Live:
    live, rows = Live(learner), Rows(learner)
    entries = log(history(learner, TOLD))
    live.fold = replay(learner, entries, asked(learner, entries), rows.add)
    live.params = learner.candidates[SERVED](rows.table(), np.random.default_rng(0))
    live.version = 1
    return live


async def _asks(lives: dict[str, Live]) -> dict[str, list[tuple[float, float]]]:
    """Return milliseconds, and those of the processor, of full answers and of success alone."""
    now = START + APART * TOLD
    call = Call(lifecycle=Lifecycle(lives, clock=lambda: now), caller=Caller())
    success = lives[SUCCESS.name]
    found: dict[str, list[tuple[float, float]]] = {WHOLE: [], ALONE: []}
    for given in questions(ASKED, np.random.default_rng(1)):
        start = _clocks()
        await predict_generation_success(call, **given)
        middle = _clocks()
        query = GenerationQuery.model_validate(given)
        success.ask(query, call.caller, now, degraded=False)
        found[WHOLE].append(_between(start, middle))
        found[ALONE].append(_between(middle, _clocks()))
    return {name: each[WARM:] for name, each in found.items()}


def _clocks() -> tuple[float, float]:
    """Return the time, and the time of the processor that this thread had; others are busy, too."""
    return time.perf_counter(), time.thread_time()


def _between(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    return (end[0] - start[0]) * 1e3, (end[1] - start[1]) * 1e3


def retraining(directory: Path) -> Iterator[Measure]:
    """Train each learner in its child process, as the worker does."""
    for learner in LEARNERS:
        place = directory / learner.name
        place.mkdir()
        _hand_over(learner, place)
        start, before = time.perf_counter(), _cpu_of_children()
        found, most = anyio.run(partial(_child, place))
        took, spent = time.perf_counter() - start, _cpu_of_children() - before
        goal = 60.0 if learner is SUCCESS else None
        yield Measure(
            name=f"retraining {learner.name}, {LEARNED} outcomes", value=took, unit="s", goal=goal,
            detail=f"{spent:.0f} s of one processor, at most {most:.0f} MB; "
            f"{found.result}: {found.candidate}",
        )  # fmt: skip


def _hand_over(learner: AnyLearner, place: Path) -> None:
    entries = log(history(learner, LEARNED))
    nothing = dict.fromkeys(("propensity", "memory_seq", "served", "served_version"))
    rows = (
        {
            **nothing,
            "seq": entry.event.seq,
            "query": entry.event.query.model_dump(mode="json"),
            "option": None,
            "outcome": entry.event.outcome.model_dump(mode="json"),
            "source": entry.event.source,
            "strength": entry.event.strength,
            "sample_group": "",
            "asked": entry.event.asked,
            "known": entry.event.known,
            "replaced_seq": None,
        }
        for entry in entries
    )
    (place / EVENTS).write_text("".join(event_line(row) for row in rows), "utf-8")
    policy = replace(learner.retrain, window=LEARNED)
    job = Job(
        learner=learner.name, revision=learner.revision, seed=0, gate=learner.gate, retrain=policy
    )
    (place / JOB).write_text(job.model_dump_json(), "utf-8")


async def _child(place: Path) -> tuple[Found, float]:
    """Return what the child found, and the most memory it had, in MB."""
    most = [0.0]

    async def watch(process: "Process") -> None:
        while True:
            most[0] = max(most[0], _peak(process.pid))
            await anyio.sleep(LOOK)

    return await trained(place, watch), most[0]


def _cpu_of_children() -> float:
    """Return the seconds of processor time of the processes that have ended."""
    of = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of.ru_utime + of.ru_stime


def _peak(pid: int) -> float:
    """Return the most memory a process ever had, in MB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return max((int(it.split()[1]) / 1024 for it in lines if it.startswith("VmHWM")), default=0.0)
