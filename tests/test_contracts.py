"""Every import contract is one that can break: a planted violation breaks it."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from sizes import PACKAGES, ROOT

PLANTED = {
    "Imports point one way": ("tools/planted.py", "import server.app"),
    "Inside learners, too": ("learners/planted.py", ""),
    "Tools never see the database": ("tools/planted.py", "import storage.log"),
    "Only storage speaks to PostgreSQL": ("server/planted.py", "import asyncpg"),
    "Storage knows nothing of learning, nor of the protocol": (
        "storage/planted.py",
        "import numpy",
    ),
    "Models know nothing of us, nor of anything but files": ("models/planted.py", "import logging"),
    "What is learned is pure": ("learners/numerics/planted.py", "import time"),
    "Learning knows no protocol and no screen": ("learners/numerics/planted.py", "import mcp"),
    "Training libraries are imported where something is fitted": (
        "learners/numerics/planted.py",
        "import sklearn",
    ),
    "Source code is parsed in a child": ("server/planted.py", "import tree_sitter"),
    "Learners do not know one another": (
        "learners/catalog/planted.py",
        "import learners.catalog.mixin_compatibility",
    ),
}


def test_every_contract_is_broken_by_what_it_forbids(tmp_path: Path) -> None:
    pytest.importorskip("importlinter", reason="installed with the static checks")
    configuration = ROOT / "pyproject.toml"
    contracts = tomllib.loads(configuration.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    shutil.copy(configuration, tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    for file, line in PLANTED.values():
        with (tmp_path / file).open("a", encoding="utf-8") as planted:
            planted.write(f"{line}\n")
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-logo", "--no-cache"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    broken = [
        line.partition(" BROKEN")[0] for line in done.stdout.splitlines() if " BROKEN" in line
    ]
    assert sorted(broken) == sorted(each["name"] for each in contracts), done.stdout + done.stderr
