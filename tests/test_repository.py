"""What must stay true of the repository as a whole."""

import ast
import importlib
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sizes
from sizes import PACKAGES, ROOT

MODULES = sizes.modules()
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# What the product was asked to be built with (M-17), by the names under which it is imported.
ASKED_FOR = {
    "mcp", "pydantic", "sklearn", "lightgbm", "xgboost", "d3rlpy", "asyncpg", "joblib", "anyio",
    "structlog",
}  # fmt: skip
COMES_LATER = {"d3rlpy": "the learner that chooses agents by policy brings it, with the extra `rl`"}
SUPPRESSION = re.compile(r"# (?:noqa|type: ignore|pyright: ignore|pragma)\b:?(.*)")
RULES = re.compile(r"^\s*(?:\[[\w, -]+\]|[A-Z]+\d+(?:, ?[A-Z]+\d+)*)?[\s-]*")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), "expected a docstring"


def test_no_module_and_no_function_is_too_long() -> None:
    assert sizes.too_long() == []


def imported(path: Path) -> Iterator[str]:
    """Yield the packages that a module imports when it runs, not those only type checkers read."""
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def test_what_the_product_was_asked_to_use_is_used_by_the_product() -> None:
    used = {name for path in MODULES for name in imported(path)}
    missing = ASKED_FOR - used
    assert missing == set(COMES_LATER), "not imported, or listed as later though it is"


def test_what_comes_later_is_an_extra_already() -> None:
    extras = CONFIGURATION["project"]["optional-dependencies"]
    promised = {re.split(r"[<>=\[; ]", line)[0] for lines in extras.values() for line in lines}
    assert set(COMES_LATER) <= promised


@pytest.mark.parametrize("name", PACKAGES)
def test_a_top_level_name_leads_to_our_package(name: str) -> None:
    assert Path(importlib.import_module(name).__file__ or "").parent == ROOT / name


def test_every_suppression_says_why() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := SUPPRESSION.search(line)) and not RULES.sub("", found[1], count=1).strip()
    ]
    assert bare == [], "a suppression without a reason"


def test_no_other_distribution_owns_our_top_level_names() -> None:
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        assert len(set(owners.get(name, []))) <= 1, f"{name}: {owners[name]}"


def test_no_test_folder_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_nothing_that_executes_on_load_is_used() -> None:
    forbidden = {"pickle", "cloudpickle", "dill", "marshal", "shelve"}
    for path in MODULES:
        assert not forbidden & set(imported(path)), path


def test_every_dependency_stands_beside_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = text.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    groups = block.strip().splitlines()
    assert groups[0].strip().startswith("#")
    assert len(CONFIGURATION["project"]["dependencies"]) < 30
