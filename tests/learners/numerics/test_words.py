"""Names become words, versions stay whole, and versions of one thing share a stem."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.numerics.words import LIMIT, is_version, stem, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MixinHealthCheck", ("mixin", "health", "check")),
        ("HTTPServer", ("http", "server")),
        ("LGPL-2.1-or-later", ("lgpl", "2.1", "or", "later")),
        ("berkeley-db#18.1.40", ("berkeley", "db", "18.1.40")),
        ("openssl#1.1.1l", ("openssl", "1.1.1l")),
        ("libxml2#2.9.12", ("libxml2", "2.9.12")),
        ("some_snake_case", ("some", "snake", "case")),
        ("###", ()),
    ],
)
def test_names_become_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("adiak#0.1.1", "adiak#0.3.0-alpha"),
        ("GPL-2.0-only", "GPL-3.0-only"),
        ("gcc@4.9.3", "gcc@9.3.1"),
    ],
)
def test_versions_of_one_thing_share_a_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_two_things_do_not_share_a_stem() -> None:
    assert stem("berkeley-db#1") != stem("sqlite#1")


@given(st.text(max_size=60))
def test_any_text_has_a_bounded_number_of_distinct_lower_case_words(text: str) -> None:
    found = words(text)
    assert len(found) == len(set(found)) <= LIMIT
    assert all(word and word == word.lower() for word in found)


@pytest.mark.parametrize(("word", "expected"), [("1.2.3", True), ("v2", True), ("x11", False)])
def test_versions_are_told_from_names(word: str, expected: bool) -> None:
    assert is_version(word) is expected


def test_letters_of_other_alphabets_have_case_too() -> None:
    assert words("MixinGrößen") == ("mixin", "größen")
    assert words("ÄpfelLager") == ("äpfel", "lager")
