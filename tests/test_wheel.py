"""What is shipped: complete, alone under its names, and not led astray by where it is started."""

import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import wheels
from served import PAIR, environment
from sizes import PACKAGES, ROOT
from wheels import Installed
from wire import Wire

from storage.embedded import locate, stop

LEARNER = "mixin_compatibility"
TWENTY = "mixin_a,mixin_b,node_type,success_count,failure_count\n" + "".join(
    f"Mixin{i},MixinRetry,EFFECT,{i % 4},{3 - i % 4}\n" for i in range(20)
)
OWNERS = """
import importlib.metadata, json
found = importlib.metadata.packages_distributions()
print(json.dumps({name: sorted(set(found.get(name, []))) for name in %r}))
"""
WHERE = "import server, tools, learners, storage, models; print(server.__file__)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy in which a model was trained."""
    source = wheels.sources(tmp_path_factory.mktemp("source"))
    (source / "models" / "learned.onnx").write_bytes(b"somebody's data")
    return wheels.build(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment of its own with the wheel; the libraries are lent to it."""
    made = Installed(tmp_path_factory.mktemp("clean"))
    made.install("--no-deps", "--no-index", str(wheel))
    made.share(wheels.libraries())
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A project of somebody whose packages are called like ours."""
    return wheels.decoys(tmp_path / "project")


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings for an embedded database, which the end of the test removes."""
    directory = tmp_path / "data"
    named = environment("", directory, FORESIGHT_WORKER="inline")
    yield {name: value for name, value in named.items() if name != "PYTHONPATH"}
    place = locate(directory / "postgres")
    stop(directory / "postgres")
    shutil.rmtree(place.base, ignore_errors=True)


def files_of(wheel: Path) -> set[str]:
    """Return what is in a wheel, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_file_of_our_packages_and_nothing_else(wheel: Path) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.suffix in (".py", ".sql", ".md")
    }
    assert files_of(wheel) == expected
    assert {"storage/queries.sql", "storage/schema.sql", f"models/{LEARNER}.md"} <= expected


def test_what_was_learned_here_is_not_shipped(wheel: Path) -> None:
    assert "models/learned.onnx" not in files_of(wheel)


def test_each_of_our_names_has_one_owner_where_the_wheel_is_installed(
    installed: Installed, tmp_path: Path
) -> None:
    said = wheels.run([installed.python, "-P", "-c", OWNERS % (PACKAGES,)], cwd=tmp_path)
    assert json.loads(said) == {name: ["foresight"] for name in PACKAGES}


def test_a_module_run_without_the_current_directory_finds_no_decoy(
    installed: Installed, elsewhere: Path
) -> None:
    found = wheels.run([installed.python, "-P", "-c", WHERE], cwd=elsewhere)
    assert found.startswith(str(installed.directory))
    shadowed = subprocess.run(
        [installed.python, "-c", WHERE], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert "a decoy was imported" in shadowed.stderr  # so the decoys would have been found


@pytest.mark.timeout(200)
def test_the_installed_command_serves_trains_and_stops_among_decoys(
    installed: Installed, elsewhere: Path, env: dict[str, str], tmp_path: Path
) -> None:
    said = wheels.run([installed.script, "--version"], cwd=elsewhere, env=env)
    assert said == f"foresight {_version()}\n"
    doctor = wheels.run([installed.script, "doctor"], cwd=elsewhere, env=env)
    assert "mixin_compatibility" in doctor
    with Wire(env, elsewhere, program=(str(installed.script), "serve")) as wire:
        wire.initialize()
        answer = wire.call("check_mixin_compatibility", **PAIR)["structuredContent"]
        assert answer["source"] == "rules"
        base = locate(tmp_path / "data" / "postgres").base
        assert str(installed.directory) in watcher_of(base)
    table = elsewhere / "history.csv"
    table.write_text(TWENTY, "utf-8")
    words: list[str | Path] = [installed.script, "import", "mixins", table]
    wheels.run(words, cwd=elsewhere, env=env)
    trained = wheels.run(
        [installed.script, "train", LEARNER, "--wait", "--json"], cwd=elsewhere, env=env
    )
    run = json.loads(trained)  # the child has replayed the log, found too little, and said so
    assert (run["result"], "30 missing" in run["reason"]) == ("skipped", True)
    until = time.monotonic() + 10
    while (base / "data" / "postmaster.pid").exists():
        assert time.monotonic() < until, "the watcher did not stop the server"
        time.sleep(0.02)


def watcher_of(base: Path) -> str:
    """Return the command of the process that watches a cluster."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if " -m storage.watcher " in command and str(base) in command:
            return command
    return ""


def _version() -> str:
    (line,) = [
        line
        for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
        if line.startswith("version = ")
    ]
    return line.split('"')[1]
