"""The README is true: its session is executed, its tables are what the code says."""

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pages
import pytest

README = pages.README.read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Return (command, expected output) in order."""
    found = list[tuple[str, str]]()
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            found.append((command, expected))
    return found


@pytest.mark.timeout(200)
def test_the_session_runs_as_shown(tmp_path: Path) -> None:
    checker = doctest.OutputChecker()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FORESIGHT_")},
        "FORESIGHT_DATA_DIR": str(tmp_path / "data"),
        "COLUMNS": "200",
    }
    for command, expected in commands():
        words = shlex.split(command)
        program = Path(sys.executable).parent / words[0]
        done = subprocess.run(
            [program, *words[1:]],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        matches = checker.check_output(expected, done.stdout, doctest.ELLIPSIS)
        assert matches, f"$ {command}\nexpected:\n{expected}\ngot:\n{done.stdout}"


def test_its_tables_are_what_the_code_says() -> None:
    assert pages.filled(README) == README, "run: python tests/support/pages.py"


def test_the_map_names_what_is_there() -> None:
    top = {path.name for path in pages.ROOT.iterdir() if path.is_dir()}
    for path in pages.MAP:
        assert (pages.ROOT / path).is_dir(), path
    hidden = {name for name in top if name.startswith((".", "_")) or name in {"build", "dist"}}
    assert top - hidden - {path.split("/")[0] for path in pages.MAP} == set()


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (pages.ROOT / target).exists(), target


@pytest.mark.timeout(200)
def test_the_python_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    environment = {**os.environ, "FORESIGHT_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", example],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "rules compatible\n"


def test_every_target_it_names_is_in_the_makefile() -> None:
    makefile = (pages.ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.timeout(200)
def test_a_generation_is_asked_about_finished_and_judged_as_shown(tmp_path: Path) -> None:
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (block,) = (each for each in blocks if each.startswith("foresight predict"))
    (tmp_path / "login.py").write_text("def login(name: str) -> bool:\n    return bool(name)\n")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FORESIGHT_")},
        "FORESIGHT_DATA_DIR": str(tmp_path / "data"),
    }
    decision = ""
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        words = [decision if word == "ID" else word for word in words]
        asks = words[1] == "predict"
        done = subprocess.run(
            [Path(sys.executable).parent / words[0], *words[1:], *(["--json"] if asks else [])],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        decision = json.loads(done.stdout)["decision_id"] if asks else decision
    assert decision
