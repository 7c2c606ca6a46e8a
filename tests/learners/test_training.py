"""One training attempt, as a pure function over a log of examples."""

from dataclasses import replace

import numpy as np
import pytest
from coins import LEARNER, Fell, Toss

from learners.evaluation import backtest, evaluate
from learners.learner import Example
from learners.replay import log
from learners.training import divide, train
from server.settings import load


def history(n: int, seed: int, *, signal: bool = True) -> list[Example[Toss, Fell]]:
    """Tosses of 60 coins in time order; marked ones fall heads nine times in ten, others one."""
    rng = np.random.default_rng(seed)
    examples = list[Example[Toss, Fell]]()
    for i in range(n):
        coin = int(rng.integers(60))
        chance = (0.9 if coin % 2 else 0.1) if signal else 0.5
        heads = bool(rng.random() < chance)
        query = Toss(coin=f"c{coin}", marked=bool(coin % 2))
        outcome = Fell(heads=int(heads), tails=int(not heads))
        examples.append(Example(query=query, outcome=outcome, asked=i, known=i + 0.5))
    return examples


def test_a_planted_signal_is_admitted_with_the_reason_in_words() -> None:
    result = train(LEARNER, log(history(240, 0)), None, np.random.default_rng(0))
    assert result.result == "admitted"
    assert "the best constant (gain" in result.reason
    assert "60 later rows in 42 groups, bounds at 95%" in result.reason


def test_noise_is_rejected() -> None:
    admitted = [
        train(
            LEARNER,
            log(history(240, seed, signal=False)),
            None,
            np.random.default_rng(seed),
            report=False,
        ).result
        for seed in range(20)
    ]
    assert admitted.count("admitted") <= 1


def test_floors_refuse_what_the_gate_would_admit_and_say_how_to_leave_them_out() -> None:
    """Those of a specification stand beside the gate (002-80)."""
    strict = replace(LEARNER, gate=replace(LEARNER.gate, floors={"accuracy": 0.99, "auc": 0.5}))
    entries = log(history(240, 0))
    refused = train(strict, entries, None, np.random.default_rng(0), report=False)
    assert refused.result == "rejected"
    assert "accuracy 0.950 is under the floor 0.99; only the floors refuse" in refused.reason
    assert refused.reason.endswith("FORESIGHT_FLOORS=off leaves them out")
    assert "auc" not in refused.reason
    left_out = load(floors="off").applied(strict)
    assert train(left_out, entries, None, np.random.default_rng(0)).result == "admitted"
    noise = log(history(240, 0, signal=False))
    both = train(strict, noise, None, np.random.default_rng(0), report=False)
    assert "only the floors" not in both.reason


def test_too_few_distinct_things_are_skipped_with_the_missing_number() -> None:
    result = train(LEARNER, log(history(8, 1)), None, np.random.default_rng(0))
    assert result.result == "skipped"
    assert "coins" in result.reason
    assert "missing" in result.reason


def test_a_candidate_no_better_than_the_incumbent_is_rejected() -> None:
    entries = log(history(240, 0))
    first = train(LEARNER, entries, None, np.random.default_rng(0))
    again = train(LEARNER, entries, first.params, np.random.default_rng(0))
    assert again.result == "rejected"
    assert "the incumbent" in again.reason


def test_held_out_questions_were_asked_after_every_training_label_was_known() -> None:
    late = [
        replace(e, known=e.known + 30) if i % 5 == 0 else e for i, e in enumerate(history(240, 2))
    ]
    split = divide(LEARNER, log(late))
    assert len(split.train) > 100
    assert len(split.test) > 30
    assert split.test.asked.min() > split.train.known.max() - 1e-9


def test_a_backtest_scores_every_answer_and_promotes_what_is_learned() -> None:
    ledger = backtest(LEARNER, history(400, 3), np.random.default_rng(0))
    assert len(ledger.y) == 400
    assert [a.result for a in ledger.attempts].count("promoted") >= 1
    assert max(ledger.versions) >= 1
    metrics = ledger.metrics(np.random.default_rng(0))
    assert (
        metrics["what was said"]["log_loss"].value
        < metrics["the running base rate"]["log_loss"].value
    )
    observations, own, base = ledger.curve()[-1]
    assert observations == 400
    assert own < base


def test_evaluate_reports_every_candidate_beside_the_baselines() -> None:
    examples = history(300, 4)
    report = evaluate(LEARNER, examples[:200], examples[200:], np.random.default_rng(0))
    assert set(report.metrics) == {
        "by_mark",
        "the best constant",
        "what is served without a version",
    }
    assert report.metrics["by_mark"]["auc"].value == pytest.approx(0.9, abs=0.08)


def test_evaluate_says_which_part_has_no_example() -> None:
    with pytest.raises(ValueError, match="test: expected at least one labelled example"):
        evaluate(LEARNER, history(5, 1), [], np.random.default_rng(0))
