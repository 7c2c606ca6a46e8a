"""The ranker's trees, over any table."""

import numpy as np
import pytest

from learners.catalog._ranking import lambdarank
from learners.errors import TooFewExamples
from learners.learner import Table
from learners.numerics import forests
from models import onnx


def table(lists: int, size: int, seed: int = 0) -> Table:
    """Lists whose relevance 0 to 3 follows the first of five columns, beside noise."""
    rng = np.random.default_rng(seed)
    n = lists * size
    x = rng.normal(size=(n, 5)).astype(np.float32)
    y = np.clip(np.floor(x[:, 0] + 1.5), 0, 3).astype(np.float64)
    return Table(
        columns=tuple("abcde"),
        x=x,
        y=y,
        weight=np.ones(n),
        option=(None,) * n,
        asked=np.zeros(n),
        known=np.zeros(n),
        group=tuple(str(i // size) for i in range(n)),
        propensity=np.full(n, np.nan),
        example=np.repeat(np.arange(lists), size),
    )


def concordance(rows: Table, scores: np.ndarray) -> float:
    """Share of pairs within a list that are in the order of their relevance."""
    right = total = 0
    for each in np.unique(rows.example):
        here = np.flatnonzero(rows.example == each)
        for i in here:
            for j in here:
                if rows.y[i] > rows.y[j]:
                    total, right = total + 1, right + int(scores[i] > scores[j])
    return right / total


def test_it_puts_unseen_lists_in_the_order_of_graded_relevance() -> None:
    ranker = lambdarank.fit(table(60, 8))
    unseen = table(20, 8, seed=1)
    assert concordance(unseen, ranker.score(unseen.x)) > 0.9


def test_equal_tables_give_equal_trees_and_the_order_of_rows_does_not_matter() -> None:
    rows = table(30, 6)
    one, again = lambdarank.fit(rows), lambdarank.fit(rows)
    assert np.array_equal(one.forest.value, again.forest.value)
    mixed = rows.take(np.argsort(np.arange(len(rows)) % 6, kind="stable"))  # lists torn apart
    assert np.allclose(lambdarank.fit(mixed).score(rows.x), one.score(rows.x))


def test_what_is_served_says_what_the_trees_say_and_explains_it() -> None:
    rows = table(30, 6)
    ranker = lambdarank.fit(rows)
    arrays = ranker.arrays(rows.x, np.random.default_rng(0))
    served = onnx.session(arrays["graph"].tobytes())
    assert np.abs(served(rows.x) - ranker.score(rows.x)).max() < 1e-4
    forest = forests.from_arrays(arrays, "")
    start, moved = forests.contributions(forest, rows.x[0])
    assert start + moved.sum() == pytest.approx(ranker.score(rows.x)[0])
    assert int(np.argmax(np.abs(moved))) == 0
    assert np.allclose(forests.moved(forest, rows.x[:3])[0], moved)


def test_lists_in_which_nothing_stands_before_anything_are_too_few() -> None:
    rows = table(30, 6)
    alone = rows.take(np.arange(0, len(rows), 6))  # one row of each list
    assert lambdarank.ordered_lists(alone) == 0
    with pytest.raises(TooFewExamples, match=r"0 lists .* needs 5"):
        lambdarank.fit(alone)
