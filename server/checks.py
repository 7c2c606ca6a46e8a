"""What `foresight doctor` looks at, each with what to do about it."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from server.logs import NAME
from server.settings import Settings, misspelt
from server.welcome import command

OURS = ("server", "tools", "learners", "storage", "models")
TRAINING = ("sklearn", "lightgbm", "joblib", "onnx", "skl2onnx", "onnxmltools", "onnxruntime")
PROBE_SECONDS = 1.0
LITTLE = 1_000_000_000  # bytes of free disk


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; the database is started for it."""
    findings = [
        _program(),
        _names(),
        _libraries(),
        *_settings(),
        _directory(settings),
        _disk(settings),
        _logs(settings),
        _port(settings),
    ]
    return findings + await _running(settings)


def _program() -> Finding:
    found = f"{version('foresight')}, Python {sys.version.split()[0]}, {command()}"
    if sys.version_info >= (3, 15):
        return Finding("program", "warn", found, "use Python 3.11 to 3.14, which are tested")
    return Finding("program", "ok", found)


def _names() -> Finding:
    owners = packages_distributions()
    shared = [name for name in OURS if len(set(owners.get(name, ()))) > 1]
    if not shared:
        return Finding("packages", "ok", "nobody else owns our package names")
    others = ", ".join(sorted({owner for name in shared for owner in owners[name]}))
    return Finding(
        "packages",
        "fail",
        f"{', '.join(shared)} came with several of {others}",
        "install Foresight into an environment of its own",
    )


def _libraries() -> Finding:
    missing = [name for name in TRAINING if find_spec(name) is None]
    if missing:
        return Finding(
            "training", "fail", f"missing: {', '.join(missing)}", "install Foresight again with pip"
        )
    return Finding("training", "ok", "all libraries are there")


def _settings() -> Iterator[Finding]:
    wrong = misspelt()
    for line in wrong:
        yield Finding("settings", "warn", line, "unset it or correct its name")
    if not wrong:
        yield Finding("settings", "ok", "every FORESIGHT_ variable is known")


def _existing(directory: Path) -> Path:
    return next(each for each in (directory, *directory.parents) if each.exists())


def _directory(settings: Settings) -> Finding:
    there = _existing(settings.data_dir)
    if os.access(there, os.W_OK | os.X_OK):
        return Finding("data directory", "ok", str(settings.data_dir))
    return Finding(
        "data directory",
        "fail",
        f"{there} cannot be written to",
        "correct its owner, or name another directory in FORESIGHT_DATA_DIR",
    )


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(_existing(settings.data_dir)).free
    state: Literal["ok", "warn"] = "ok" if free > LITTLE else "warn"
    remedy = "" if state == "ok" else "free some space, or name another FORESIGHT_DATA_DIR"
    return Finding("disk", state, f"{free / 1e9:.1f} GB free", remedy)


def _logs(settings: Settings) -> Finding:
    return Finding("logs", "ok", str(settings.logs / NAME))


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", settings.http_port)) == 0
    port = f"port {settings.http_port}"
    if not taken:
        return Finding("http", "ok", f"{port} is free")
    if (state := _health(settings.http_port)) is not None:
        return Finding("http", "ok", f"Foresight serves on {port} already, state {state}")
    return Finding("http", "ok", f"{port} is in use by another program; the next free one serves")


def _health(port: int) -> str | None:
    """Return how a Foresight on that port is; None: it is not Foresight."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        found = json.load(connection.getresponse())
        return str(found["status"]) if found["database"] else None
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return None
    finally:
        connection.close()


async def _running(settings: Settings) -> list[Finding]:
    """Open the database and load history, as a server would."""
    from server.direct import foresight
    from storage.errors import StorageError

    try:
        async with foresight(settings) as verbs:
            found = await verbs.learning_status()
    except StorageError as error:
        return [Finding("database", "fail", str(error), "see above; then run doctor again")]
    findings = [Finding("database", "ok", *_place(settings))]
    for each in found.learners:
        served = "no version yet" if each.incumbent is None else f"version {each.incumbent}"
        findings.append(
            Finding(each.learner, "ok", f"{served}, {each.n} outcomes; next run: {each.next_run}")
        )
        remedy = f"foresight train {each.learner} --wait"
        findings += [Finding(each.learner, "warn", text, remedy) for text in each.problems]
    off = settings.worker == "off"
    state: Literal["ok", "warn"] = "warn" if off else "ok"
    remedy = "see that `foresight worker` runs somewhere" if off else ""
    findings.append(Finding("worker", state, settings.worker, remedy))
    return findings


def _place(settings: Settings) -> tuple[str, str]:
    """Return where the rows are, and what may be done about it."""
    if settings.database_url:
        from storage.pool import external

        return f"answers at {external(settings.database_url).label}", ""
    from storage.binaries import find
    from storage.embedded import status
    from storage.upgrade import kept

    found = status(settings.cluster, account=settings.pg_account or None)
    text = f"PostgreSQL {found.major} in {found.place.base}, {found.size / 1e6:.0f} MB"
    if found.major is not None and (newer := find(settings.pg_bin).major) > found.major:
        return text, f"`foresight db upgrade` brings it to PostgreSQL {newer}, when it suits you"
    if old := kept(found.place):
        return text, f"`foresight db upgrade --remove-old` deletes the old data in {old[0]}"
    return text, ""
