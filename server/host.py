"""Who calls, as far as the environment of the host says: project, user, session."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from server.settings import Settings
from tools.context import Host, identity


def host(settings: Settings, *, remote: bool = False) -> Host:
    """Return who calls.

    Args:
        settings: Come before the environment.
        remote: The callers are elsewhere, so this process's directory and user are not theirs.
    """
    if remote:
        return Host(project=settings.project, user=settings.user, session=settings.session)
    environment = os.environ
    return Host(
        project=settings.project or _project(environment),
        user=settings.user
        or identity(environment.get("USER", "") or environment.get("LOGNAME", "")),
        session=settings.session or identity(environment.get("CLAUDE_CODE_SESSION_ID", "")),
    )


def _project(environment: Mapping[str, str]) -> str:
    given = environment.get("CLAUDE_PROJECT_DIR", "")
    try:
        directory = Path(given).resolve() if given else _root(Path.cwd())
        return "" if directory is None else project(directory)
    except OSError:
        return ""  # the directory is gone; questions go on without a project


def _root(start: Path) -> Path | None:
    return next((each for each in (start, *start.parents) if (each / ".git").exists()), None)


def project(directory: Path) -> str:
    """Return a project's stable id: its name and what tells it from others of that name.

    That is the address it was cloned from, so that copies on several machines are one project;
    without one, the directory.
    """
    origin = _origin(directory) or str(directory)
    digest = hashlib.sha256(origin.encode("utf-8", "replace")).hexdigest()[:8]
    name = re.sub(r"[^\w.-]+", "-", directory.name).strip("-") or "project"
    return f"{name[:100]}-{digest}"


def _origin(directory: Path) -> str:
    config = _git(directory) / "config"
    try:
        text = config.read_text("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(r'\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)', text, re.MULTILINE)
    return _without_secrets(found.group(1)) if found else ""


def _git(directory: Path) -> Path:
    """Return the directory of the repository; a worktree only names it."""
    git = directory / ".git"
    try:
        named = git.read_text("utf-8").removeprefix("gitdir:").strip()
        worktree = (directory / named).resolve()
        return (worktree / (worktree / "commondir").read_text("utf-8").strip()).resolve()
    except OSError:
        return git


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare.removesuffix("/").removesuffix(".git")
