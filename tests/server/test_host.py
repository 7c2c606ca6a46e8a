"""Who calls, as the host's environment says."""

from pathlib import Path

import pytest

from server.host import host, project
from server.settings import load


def clone(directory: Path, url: str) -> Path:
    (directory / ".git").mkdir(parents=True)
    config = f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n\tfetch = +refs\n'
    (directory / ".git" / "config").write_text(config)
    return directory


def test_copies_of_one_repository_are_one_project(tmp_path: Path) -> None:
    first = clone(tmp_path / "a" / "shop", "https://example.org/shop.git")
    second = clone(tmp_path / "b" / "shop", "https://me:secret@example.org/shop")
    assert project(first) == project(second)
    assert project(first).startswith("shop-")


def test_projects_of_one_name_are_told_apart(tmp_path: Path) -> None:
    first = clone(tmp_path / "a" / "shop", "https://example.org/shop.git")
    second = clone(tmp_path / "b" / "shop", "https://example.org/other/shop.git")
    assert project(first) != project(second)


def test_an_id_holds_no_path_of_the_machine(tmp_path: Path) -> None:
    directory = tmp_path / "my shop"
    directory.mkdir()
    assert str(tmp_path) not in project(directory)
    assert project(directory).startswith("my-shop-")


def test_a_worktree_belongs_to_its_repository(tmp_path: Path) -> None:
    main = clone(tmp_path / "shop", "https://example.org/shop.git")
    inside = main / ".git" / "worktrees" / "w"
    inside.mkdir(parents=True)
    (inside / "commondir").write_text("../..\n")
    tree = tmp_path / "w" / "shop"
    tree.mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {inside}\n")
    assert project(tree) == project(main)


def test_the_hosts_project_directory_comes_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = clone(tmp_path / "here", "https://example.org/here")
    there = clone(tmp_path / "there", "https://example.org/there")
    (here / "deep").mkdir()
    monkeypatch.chdir(here / "deep")
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "session")
    assert host(load()).project == project(here)
    assert host(load()).session == "session"
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(there))
    assert host(load()).project == project(there)
    assert host(load(project="given")).project == "given"


def test_outside_any_repository_there_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    assert host(load()).project == ""


def test_remote_callers_do_not_get_this_process_s_directory() -> None:
    assert host(load(), remote=True).project == ""
