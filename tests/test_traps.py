"""Generic package names have traps: tests and type checks of the same names must find ours."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sizes import ROOT

MODULE = '"""Ours."""\n\nANSWER: int = 1\n'
TEST = "from {name} import ANSWER\n\n\ndef test_it_is_ours() -> None:\n    assert ANSWER == 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small repository of our shape: tests mirror packages, and files have the same names."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("server", "tools"):
        for folder in (tmp_path / name, tmp_path / "tests" / name):
            folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text(MODULE, "utf-8")
        (tmp_path / "tests" / name / "test_same.py").write_text(TEST.format(name=name), "utf-8")
    return tmp_path


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a tool as a module, with the configuration that lies there."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_tests_of_one_name_in_folders_named_like_packages_import_the_packages(
    project: Path,
) -> None:
    done = run(project, "pytest", "-q", "-p", "no:randomly")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_files_of_one_name_are_type_checked_as_different_modules(project: Path) -> None:
    pytest.importorskip("mypy", reason="installed with the static checks")
    wrong = project / "tests" / "tools" / "test_same.py"
    checked = ("mypy", "--no-incremental", "server", "tools", "tests")
    assert run(project, *checked).stdout.startswith("Success: no issues found in 4 source files")
    wrong.write_text(wrong.read_text("utf-8") + "\n\nTOLD: str = ANSWER\n", "utf-8")
    assert "tests/tools/test_same.py:8: error: Incompatible types" in run(project, *checked).stdout
