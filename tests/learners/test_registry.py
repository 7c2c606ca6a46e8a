"""What is found in the catalog, and what a module there must end in."""

from pathlib import Path

import pytest

from learners import catalog as package
from learners.registry import catalog


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules belong to the catalog for the length of a test."""
    monkeypatch.setattr(package, "__path__", [str(tmp_path)])
    return tmp_path


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "None"),
        ("from learners.catalog_of_coins import LEARNER", "'coins'"),
    ],
)
def test_a_module_without_a_learner_of_its_name_is_refused(
    planted: Path, text: str, got: str
) -> None:
    text = text.replace("learners.catalog_of_coins", "coins")
    name = f"planted_{len(text)}"
    (planted / f"{name}.py").write_text(text, "utf-8")
    expected = rf"learners/catalog/{name}\.py: expected LEARNER named '{name}', got {got}"
    with pytest.raises(TypeError, match=expected):
        catalog.__wrapped__()


def test_what_a_family_shares_is_no_learner() -> None:
    assert [name for name in catalog() if name.startswith("_")] == []
