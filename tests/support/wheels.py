"""The wheel as a user gets it: built from a copy, installed where nothing else of ours is."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from sizes import PACKAGES, ROOT

NEEDED = ("pyproject.toml", "README.md", "LICENSE", ".gitignore")
DECOYS = ("server", "tools", "models", "storage", "learners", "tests", "mcp", "numpy", "asyncpg")


def sources(directory: Path) -> Path:
    """Copy what a wheel is made of, so that nothing is built inside the repository."""
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.onnx", "*.npz")
        shutil.copytree(ROOT / name, directory / name, ignore=ignored)
    for name in NEEDED:
        shutil.copy(ROOT / name, directory)
    return directory


def build(source: Path, target: Path) -> Path:
    """Build the wheel of a source tree and return it."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)], cwd=source)
    (wheel,) = target.glob("*.whl")
    return wheel


class Installed:
    """An environment in which only the wheel is ours."""

    def __init__(self, directory: Path) -> None:
        """Make it, empty."""
        venv.create(directory, with_pip=False, symlinks=True)
        self.directory = directory

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    @property
    def script(self) -> Path:
        """The command it has from the wheel."""
        return self.directory / "bin" / "foresight"

    def install(self, *words: str) -> None:
        """Install with the pip from outside: it needs none of its own."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        run([*pip, "--disable-pip-version-check", *words], cwd=self.directory)

    def share(self, libraries: Sequence[Path]) -> None:
        """Lend it libraries that are installed elsewhere."""
        (site,) = self.directory.glob("lib/python*/site-packages")
        (site / "lent.pth").write_text("\n".join(map(str, libraries)) + "\n", "utf-8")


def libraries() -> list[Path]:
    """Return the folders of installed libraries, and so not the sources, of this interpreter."""
    folders = [Path(entry) for entry in sys.path if entry]
    return [each for each in folders if each.name in ("site-packages", "dist-packages")]


def decoys(directory: Path) -> Path:
    """Fill a directory with packages named like ours that must not be imported."""
    for name in DECOYS:
        package = directory / name
        package.mkdir(parents=True)
        text = f"raise SystemExit('a decoy was imported: {name}')\n"
        (package / "__init__.py").write_text(text, "utf-8")
    return directory


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    seconds: float = 600,
) -> str:
    """Run a program that must succeed; return what it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=dict(os.environ if env is None else env),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
