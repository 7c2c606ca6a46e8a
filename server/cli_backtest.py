"""The verb that replays a history: what would the answers have been worth?"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.errors import WrongInput
from server.cli_learn import Learner, interval, known
from server.cli_run import LEARN, Json, print_json, print_table
from server.cli_waiting import counted

if TYPE_CHECKING:
    from learners.evaluation import Ledger
    from learners.learner import AnyLearner

SHOWN = 12  # points of a learning curve on paper


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel=LEARN)(backtest)


def backtest(
    learner: Learner,
    file: Annotated[Path | None, typer.Argument(help="Replay lines; see --schema.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", metavar="", help="Print the JSON schema of a line instead.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    growth: Annotated[
        float | None, typer.Option(min=0.01, help="Train again after growth by this share.")
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, help="Train again after so many outcomes, at the latest.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay asked and told lines in time order, and print what the answers were worth.

    Needs no database. Answers, training and the gate are those that serve.
    """
    from server.replay_lines import read, schema_of
    from server.settings import load

    chosen = load().applied(known(learner))
    if schema:
        print_json(schema_of(chosen))
        return
    if file is None:
        raise WrongInput("file: expected a file of replay lines; --schema describes them")
    ledger = _replayed(chosen, read(chosen, file), seed, growth, every)
    found = _ledger(ledger, seed)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _replayed(
    learner: "AnyLearner", examples: Any, seed: int, growth: float | None, every: int | None
) -> "Ledger":
    from dataclasses import replace

    import numpy as np

    from learners.evaluation import backtest as replayed

    policy = learner.retrain
    if growth is not None:
        policy = replace(policy, growth=growth)
    if every is not None:
        policy = replace(policy, outcomes=every)
    with counted(f"{learner.name}: replaying", len(examples)) as done:
        try:
            return replayed(
                learner,
                examples,
                np.random.default_rng(seed),
                retrain=policy,
                progress=done,
            )
        except ValueError as error:
            raise WrongInput(str(error)) from None


def _ledger(ledger: "Ledger", seed: int) -> dict[str, Any]:
    from collections import Counter
    from dataclasses import asdict

    import numpy as np

    folds = np.array(ledger.folds)
    return {
        "outcomes": float(ledger.weight.sum()),
        "answers": len(ledger.y),
        "sources": dict(Counter(ledger.sources)),
        "metrics": {
            name: {metric: list(value) for metric, value in metrics.items()}
            for name, metrics in ledger.metrics(np.random.default_rng(seed)).items()
        },
        "learning_curve": [
            {"outcomes": n, ledger.scoring.name: own, f"base_{ledger.scoring.name}": base}
            for n, own, base in ledger.curve()
        ],
        "abstention_curve": [
            {"answered": share, "error": error} for share, error in ledger.abstention()
        ],
        "attempts": [asdict(attempt) for attempt in ledger.attempts],
        "five_folds": {
            "candidate": ledger.folds_of,
            "accuracy": list(ledger.folds),
            "mean": float(folds.mean()) if len(folds) else None,
            "sd": float(folds.std(ddof=1)) if len(folds) > 1 else None,
        },
    }


def _print(found: Mapping[str, Any]) -> None:
    sources = ", ".join(f"{name} {n}" for name, n in sorted(found["sources"].items()))
    sys.stdout.write(f"{found['answers']} answers, {found['outcomes']:g} outcomes; {sources}\n")
    contenders = found["metrics"]
    names = next(iter(contenders.values()))
    print_table(
        ("metric (95 % interval)", *contenders),
        ((name, *(interval(each[name]) for each in contenders.values())) for name in names),
    )
    curve = found["learning_curve"]
    step = max(1, len(curve) // SHOWN)
    print_table(
        ("outcomes so far", *(name.replace("_", " ") for name in [*curve[0]][1:])),
        ([*point.values()] for point in curve[::-step][::-1]),
    )
    if found["abstention_curve"]:
        print_table(
            ("surest share answered", "error"),
            ((f"{point['answered']:.0%}", point["error"]) for point in found["abstention_curve"]),
        )
    print_table(
        ("outcomes", "attempt", "candidate", "reason"),
        ([*attempt.values()] for attempt in found["attempts"]),
    )
    folds = found["five_folds"]
    if folds["sd"] is not None:
        sys.stdout.write(
            f"5-fold accuracy of {folds['candidate']}: {folds['mean']:.3f} ± {folds['sd']:.3f}\n"
        )
