"""What must stay true of the repository as a whole."""

import ast
import importlib.metadata
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("server", "tools", "learners", "storage", "models")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
LONGEST = 400  # lines of a module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_stays_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "expected a docstring"
    assert len(text.splitlines()) <= LONGEST


def test_no_other_distribution_owns_our_top_level_names() -> None:
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        assert len(set(owners.get(name, []))) <= 1, f"{name}: {owners[name]}"


def test_no_test_folder_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_nothing_that_executes_on_load_is_used() -> None:
    forbidden = {"pickle", "cloudpickle", "dill", "marshal", "shelve"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").split(".")[0]}
            else:
                continue
            assert not names & forbidden, f"{path}: {names & forbidden}"


def test_every_dependency_stands_beside_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = text.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    groups = block.strip().splitlines()
    assert groups[0].strip().startswith("#")
    assert len(tomllib.loads(text)["project"]["dependencies"]) < 30
