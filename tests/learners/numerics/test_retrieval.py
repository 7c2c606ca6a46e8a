"""How documents match a question."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from learners.numerics.retrieval import corpus, match

TITLE, TEXT = 0, 1
BOOSTS = (2.0, 1.0)
terms = st.lists(st.integers(0, 30), max_size=12)
documents = st.lists(st.tuples(terms, terms), min_size=1, max_size=12)
questions = st.dictionaries(st.integers(0, 40), st.floats(0.0, 9.0), max_size=8)


def test_a_rare_term_tells_more_than_a_common_one() -> None:
    of = corpus([[[1], [9]], [[2], [9]], [[3], [9]]], 2)
    assert of.weight(1) > of.weight(9) > 0
    assert of.weight(77) > of.weight(1)


def test_the_document_that_has_the_question_comes_first_and_a_title_counts_more() -> None:
    of = corpus([[[1], [5, 6]], [[5], [1, 7]], [[8], [9]]], 2)
    found = match(of, {1: of.weight(1)}, BOOSTS)
    assert found.score[0] > found.score[1] > found.score[2] == 0
    assert found.covered[:, TITLE].tolist() == [1.0, 0.0, 0.0]
    assert found.covered[:, TEXT].tolist() == [0.0, 1.0, 0.0]
    assert found.title.tolist() == [1.0, 0.0, 0.0]


def test_the_same_words_in_a_longer_text_say_less() -> None:
    of = corpus([[[], [1, 2]], [[], [1, *range(10, 40)]]], 2)
    short, long = match(of, {1: 1.0}, BOOSTS).score
    assert short > long


@given(documents, questions)
def test_every_match_is_a_share(
    found: list[tuple[list[int], list[int]]], question: dict[int, float]
) -> None:
    said = match(corpus(found, 2), question, BOOSTS)
    for values in (said.score, said.covered, said.title):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert (values <= 1 + 1e-9).all()


@given(documents, questions)
def test_terms_that_a_document_lacks_never_raise_it(
    found: list[tuple[list[int], list[int]]], question: dict[int, float]
) -> None:
    of = corpus(found, 2)
    before = match(of, question, BOOSTS).score
    after = match(of, {**question, 99: 1.0}, BOOSTS).score
    assert (after <= before + 1e-12).all()


def test_nothing_asked_and_nothing_there_match_nothing() -> None:
    assert match(corpus([], 2), {1: 1.0}, BOOSTS).score.tolist() == []
    assert match(corpus([[[1], []]], 2), {}, BOOSTS).score.tolist() == [0.0]
