"""Whatever a page names exists: commands, options, targets, settings, files, tools, links."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pages
import pytest
import typer
from pages import README, ROOT

from learners.registry import catalog
from server.cli import app
from server.settings import PREFIX, Settings
from tools.surface import TOOLS

PAGES = sorted(
    path for folder in (".", "agents", "docs", "models") for path in (ROOT / folder).glob("*.md")
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
SETTING = re.compile(rf"\b{PREFIX}[A-Z_]+\b")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|sql|md|toml)|[A-Z][\w.-]*\.md|pyproject\.toml")
TARGET = re.compile(r"\bmake ([a-z]+)\b")
SETTINGS = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
COMMANDS = typer.main.get_command(app)
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def text(page: Path) -> str:
    return page.read_text("utf-8")


def lines(page: Path) -> Iterator[str]:
    """Yield every command line in the fenced blocks of a page."""
    for language, block in FENCED.findall(text(page)):
        if language == "console":
            yield from (line[2:] for line in block.splitlines() if line.startswith("$ "))
        elif language == "sh":
            yield from block.splitlines()


def calls(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of every call of the console script, in blocks and in the text."""
    written = [*lines(page), *INLINE.findall(FENCED.sub("", text(page)))]
    for line in written:
        words = shlex.split(line, comments=True) if line.startswith("foresight ") else []
        if words:
            yield words[1:]


def resolved(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that words lead to, and its arguments."""
    command: Any = COMMANDS
    rest = list(words)
    while rest and (inner := getattr(command, "commands", {}).get(rest[0])) is not None:
        command = inner
        rest.pop(0)
    return command, rest


@every_page
def test_every_command_it_shows_exists_with_its_options(page: Path) -> None:
    for words in calls(page):
        command, rest = resolved(words)
        assert command is not COMMANDS or words[0].startswith("--"), f"foresight {words}"
        known = {name for each in command.params for name in each.opts} | {"--help"}
        given = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert given <= known, f"foresight {' '.join(words)}: {given - known}"
        if getattr(command, "commands", None):
            unknown = [word for word in rest if not word.startswith("-")]
            assert unknown == [], f"foresight {' '.join(words)}"


@every_page
def test_every_line_it_shows_can_be_parsed(page: Path, tmp_path: Path) -> None:
    for line in lines(page):
        words = shlex.split(line, comments=True)
        if words[:1] == ["foresight"]:
            for name in (word for word in words if re.fullmatch(r"[\w-]+\.(csv|jsonl)", word)):
                (tmp_path / name).touch()
            command, rest = resolved(words[1:])
            placed = [str(tmp_path / word) if (tmp_path / word).exists() else word for word in rest]
            command.make_context(words[0], placed)
        elif words[:1] == ["make"]:
            assert words[1] in TARGETS, line
        else:
            assert words[:1] in ([], ["export"]), f"no test knows what this does: {line}"


@every_page
def test_every_target_it_names_exists(page: Path) -> None:
    written = "\n".join([*lines(page), *INLINE.findall(text(page))])
    assert set(TARGET.findall(written)) <= TARGETS


@every_page
def test_every_setting_it_names_exists(page: Path) -> None:
    assert set(SETTING.findall(text(page))) <= SETTINGS


@every_page
def test_every_file_it_names_exists(page: Path) -> None:
    named = {each for code in INLINE.findall(text(page)) for each in FILE.findall(code)}
    missing = [name for name in named if not (ROOT / name).exists() and "<" not in name]
    assert missing == []


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(text(page)):
        beside = (page.parent / target).exists()
        assert target.startswith(("http://", "https://")) or beside, target


@every_page
def test_every_block_of_json_is_json(page: Path) -> None:
    for language, block in FENCED.findall(text(page)):
        if language == "json":
            json.loads(block)


def test_the_configuration_it_shows_starts_the_server() -> None:
    ((_, block),) = [it for it in FENCED.findall(text(README)) if it[0] == "json"]
    ((name, server),) = json.loads(block)["mcpServers"].items()
    command, rest = resolved(server["args"])
    assert (name, Path(server["command"]).name) == ("foresight", "foresight")
    assert (command.name, rest) == ("serve", [])


def test_every_setting_the_code_reads_or_tells_of_exists() -> None:
    for package in ("server", "tools", "learners", "storage", "models"):
        for path in (ROOT / package).rglob("*.py"):
            named = {name for name in SETTING.findall(text(path)) if name != PREFIX}
            assert named <= SETTINGS, path


def test_every_tool_that_an_agent_may_use_exists() -> None:
    names = {tool.function.__name__ for tool in TOOLS}
    for page in (ROOT / "agents").glob("*.md"):
        used = set(re.findall(r"mcp__foresight__(\w+)", text(page)))
        assert used, page
        assert used <= names
        called = {code for code in INLINE.findall(text(page)) if code in names}
        assert called <= used, f"{page}: uses a tool that its header does not allow"


def test_every_learner_has_a_card_that_names_its_candidates() -> None:
    for name, learner in catalog().items():
        table = set(
            re.findall(r"^\| `(\w+)` \|", text(ROOT / "models" / f"{name}.md"), re.MULTILINE)
        )
        assert table == set(learner.candidates)


def test_every_target_has_a_line_of_help_and_none_is_a_file() -> None:
    described = set(re.findall(r"^([a-z-]+):.*?## \S", MAKEFILE, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert described == TARGETS == set(phony.split())
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(re.search(rf"^  {target} ", shown.stdout, re.MULTILINE) for target in TARGETS)


def test_nothing_is_left_out_of_the_tables() -> None:
    readme = text(README)
    for name in pages.PARTS:
        assert f"<!-- {name} -->" in readme
    for setting in SETTINGS:
        assert f"| `{setting}` |" in readme
    for tool in TOOLS:
        assert f"| `{tool.function.__name__}` | {tool.toolset} |" in readme
    for name in getattr(COMMANDS, "commands", {}):
        assert f"| `foresight {name}`" in readme


def test_the_reading_order_leads_through_files_that_are_there() -> None:
    (order,) = re.findall(r"Read in this order: (.*?)\. To add", text(README), re.DOTALL)
    assert len(INLINE.findall(order)) >= 5
    assert all((ROOT / name).is_file() for name in INLINE.findall(order))
