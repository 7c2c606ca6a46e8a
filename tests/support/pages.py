"""The tables of the README as the code would write them: run this file to bring them up to date."""

import re
from pathlib import Path

import typer

from server.cli import app
from server.settings import PREFIX, Settings
from tools.surface import TOOLS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

MAP = {
    "server/": "the process: settings, composition, transports, CLI. Wiring and nothing else",
    "tools/": "what a model can call; `tools/surface.py` is the public surface",
    "learners/": "what is learned, and the one lifecycle",
    "learners/catalog/": "one module per learner, each ending in `LEARNER`",
    "learners/numerics/": "pure mathematics over arrays",
    "storage/": "rows in, rows out: the only package that speaks SQL; the embedded PostgreSQL",
    "models/": "formats of trained models, and the model cards",
    "agents/": "Markdown agents that use the tools",
    "docs/": "where every item of the specifications stands",
    "tests/": "mirrors the packages; `tests/evaluation` on real data, `tests/benchmarks` for speed",
}


def tools() -> str:
    """Return the table of tools."""
    rows = [
        f"| `{tool.function.__name__}` | {tool.toolset} | {_line(tool.function.__doc__)} |"
        for tool in TOOLS
    ]
    return "\n".join(["| tool | toolset | what it does |", "|---|---|---|", *rows])


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def settings() -> str:
    """Return the table of settings."""
    rows = list[str]()
    for name, field in Settings.model_fields.items():
        if field.default_factory is not None:
            default = "of the platform"
        else:
            value = field.default
            default = (
                ",".join(value) if isinstance(value, tuple) else "" if value is None else value
            )
        shown = f"`{default}`" if default not in ("", "of the platform") else default
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description or name} |")
    return "\n".join(["| variable | default | what it is |", "|---|---|---|", *rows])


def commands() -> str:
    """Return the table of commands."""
    rows = list[str]()
    click = typer.main.get_command(app)
    for name, command in sorted(getattr(click, "commands", {}).items()):
        text = " ".join((command.help or "").split("\n\n")[0].split())
        inner = sorted(getattr(command, "commands", {}))
        names = f"`foresight {name}`" + (
            f" {' · '.join(f'`{each}`' for each in inner)}" if inner else ""
        )
        rows.append(f"| {names} | {text} |")
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def repository() -> str:
    """Return the map."""
    return "\n".join(f"* `{path}` {what}" for path, what in MAP.items())


PARTS = {"tools": tools, "settings": settings, "commands": commands, "map": repository}


def filled(text: str) -> str:
    """Return a page with its generated parts brought up to date."""
    for name, part in PARTS.items():
        pattern = rf"<!-- {name} -->\n(?:.*?\n<!-- /{name} -->\n)?"
        body = f"<!-- {name} -->\n{part()}\n<!-- /{name} -->\n"
        text = re.sub(pattern, body.replace("\\", r"\\"), text, count=1, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8")), "utf-8")
