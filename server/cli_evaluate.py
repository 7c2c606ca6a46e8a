"""The verb that judges a learner on any split of any data."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.errors import WrongInput
from server.cli_learn import Learner, interval, known
from server.cli_run import LEARN, Json, print_json, print_table

if TYPE_CHECKING:
    from learners.judging import Report

# Probabilities first, then decisions at one half: each fits a page.
TABLES = (
    ("log_loss", "brier", "auc", "ece"),
    ("accuracy", "balanced_accuracy"),
    ("precision", "recall", "f1"),
)
VALUES = (("absolute_error", "root_square_error", "bias", "rank_correlation"),)
BOUNDS = ("coverage", "width")
IMPORTANT = 10  # columns that are shown


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(rich_help_panel=LEARN)(evaluate)


def evaluate(
    learner: Learner,
    train: Annotated[Path, typer.Argument(help="Replay lines that teach.")],
    test: Annotated[
        Path | None, typer.Argument(help="Replay lines that judge; default: the later quarter.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    as_json: Json = False,
) -> None:
    """Fit every candidate on one part of a history and judge it on another, beside the baselines.

    Needs no database. Nothing is promoted; `foresight backtest --schema` describes the lines.
    """
    import numpy as np

    from learners import codec
    from learners.evaluation import evaluate as evaluated
    from server.replay_lines import read

    chosen = known(learner)
    earlier = read(chosen, train)
    if test is None:
        earlier.sort(key=lambda example: example.known)
        cut = len(earlier) * 3 // 4
        earlier, later = earlier[:cut], earlier[cut:]
    else:
        later = read(chosen, test)
    try:
        report = evaluated(chosen, earlier, later, np.random.default_rng(seed))
    except ValueError as error:
        raise WrongInput(str(error)) from None
    if as_json:
        print_json(codec.report_json(report))
    else:
        _print(report)


def _print(report: "Report") -> None:
    sys.stdout.write(
        f"{report.rows} rows in {report.groups} groups judge, {report.observations:g} "
        f"observations; the inner split prefers {report.chosen or 'nothing'}\n"
    )
    print_metrics(report.metrics)
    for name, why in report.unavailable.items():
        sys.stdout.write(f"{name}: {why}\n")
    print_importance(dict(list(report.importance.items())[:IMPORTANT]))


def print_metrics(contenders: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the metrics of contenders with their intervals, in tables that fit a page."""
    tables = TABLES if all("log_loss" in each for each in contenders.values()) else VALUES
    for metrics in tables:
        _table(contenders, metrics)
    bounded = {name: each for name, each in contenders.items() if BOUNDS[0] in each}
    if bounded:
        _table(bounded, BOUNDS)


def print_importance(shares: Mapping[str, float]) -> None:
    """Print from which columns predictions come; nothing where that is not known."""
    if shares:
        rows = ((name, f"{share:.1%}") for name, share in shares.items())
        print_table(("column", "share of predictions"), rows)


def _table(contenders: Mapping[str, Mapping[str, Any]], metrics: tuple[str, ...]) -> None:
    print_table(
        ("contender (95 % interval)", *metrics),
        (
            (name, *(interval(each[metric]) for metric in metrics))
            for name, each in contenders.items()
        ),
    )
