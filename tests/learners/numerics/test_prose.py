"""Words of texts."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from learners.numerics import metrics, prose, scoring
from learners.numerics.prose import terms


def test_examples_in_docstrings_are_true() -> None:
    for module in (prose, scoring, metrics):
        assert doctest.testmod(module, extraglobs={"np": __import__("numpy")}).failed == 0


@given(st.text(max_size=300))
def test_terms_are_the_same_when_they_are_read_again(text: str) -> None:
    again = terms(" ".join(terms(text)))
    assert set(again) <= set(terms(text)) | {term[:-1] for term in terms(text)} | set(again)
    assert all(term and term == term.lower() for term in terms(text))


def test_names_are_divided_as_people_divide_them() -> None:
    said = ("http", "server", "parse", "json", "user", "name")
    assert terms("HTTPServer parseJSON user_names") == said
