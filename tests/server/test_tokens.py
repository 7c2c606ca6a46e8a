"""Tokens: made once, kept as a hash in a file that is whole at every moment."""

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from served import environment, foresight

from learners.errors import WrongInput
from server import cli_token
from server.rates import CALLERS, WINDOW, Rate
from server.tokens import FILE, Tokens, add, digest, read, remove


def test_a_token_is_shown_once_and_kept_as_its_hash(tmp_path: Path) -> None:
    env = environment("", tmp_path / "new" / "data")
    done = foresight(env, "token", "add", "ann", "--scopes", "feedback, advise", "--days", "2")
    secret = done.stdout.strip()
    assert re.fullmatch(r"fst_[\w-]{43}", secret)
    file = tmp_path / "new" / "data" / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret not in file.read_text("utf-8")
    (kept,) = read(file.parent)
    assert (kept.sha256, kept.scopes) == (digest(secret), ("advise", "feedback"))
    assert kept.expires == kept.created + 2 * 86_400
    assert [path.name for path in file.parent.iterdir()] == [FILE]


def test_the_list_shows_whose_tokens_there_are_and_nothing_to_use_them_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORESIGHT_DATA_DIR", str(tmp_path))
    cli_token.list_tokens()
    assert capsys.readouterr().out == "none yet\n"
    secret, kept = add(tmp_path, "ann", ["advise"])
    cli_token.list_tokens()
    cli_token.list_tokens(as_json=True)
    shown = capsys.readouterr().out
    assert "never" in shown
    assert '"name": "ann"' in shown
    assert secret not in shown
    assert kept.sha256 not in shown
    cli_token.remove_token("ann")
    assert capsys.readouterr().out == "The token ann is removed.\n"
    assert read(tmp_path) == ()


def test_a_scope_that_is_not_served_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORESIGHT_DATA_DIR", str(tmp_path))
    cli_token.add_token("ann", scopes="admin")
    assert capsys.readouterr().err == (
        "foresight: admin is served with FORESIGHT_TOOLSETS=advise,feedback,admin only\n"
    )


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("ann", {}, "name: there is a token 'ann'; choose another name, or"),
        ("two words", {}, "name: expected 1 to 60 letters, digits or . _ @ -"),
        ("bob", {"scopes": "tea"}, "scopes: expected some of advise, feedback, admin; got 'tea'"),
        ("bob", {"scopes": ","}, "--scopes: expected some of advise, feedback, admin; got none"),
        ("bob", {"days": 0.0}, "--days: expected more than 0 and at most 36500; got 0"),
        ("bob", {"days": math.nan}, "--days: expected more than 0 and at most 36500; got nan"),
    ],
)
def test_a_wrong_call_is_one_line_and_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    options: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setenv("FORESIGHT_DATA_DIR", str(tmp_path))
    add(tmp_path, "ann", ["advise"])
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(WrongInput) as caught:
        cli_token.add_token(name, **options)
    assert str(caught.value).startswith(said)
    assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / FILE).read_bytes() == before


def test_removing_what_is_not_there_names_what_is(tmp_path: Path) -> None:
    add(tmp_path, "ann", ["advise"])
    with pytest.raises(WrongInput, match="name: expected one of ann; got 'bob'"):
        remove(tmp_path, "bob")


KEPT: dict[str, Any] = {"name": "a", "sha256": "0" * 64, "scopes": ["advise"], "created": 1.0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not json", "Invalid JSON"),
        (b"\x80\x04cbuiltins\nexec\n", "Invalid JSON"),
        (b'{"tokens": [{}]}', "tokens.0.name: is missing"),
        (json.dumps({"tokens": [KEPT | {"sha256": "secret"}]}).encode(), "tokens.0.sha256"),
        (json.dumps({"tokens": [KEPT | {"scopes": ["tea"]}]}).encode(), "tokens.0.scopes"),
        (json.dumps({"tokens": [KEPT | {"created": "nan"}]}).encode(), "tokens.0.created"),
        (b" " * 1_000_001, "expected at most 1000000 bytes"),
        (b"[" * 100_000, "Invalid JSON"),
    ],
)
def test_a_damaged_file_is_refused_and_no_token_in_it_accepted(
    tmp_path: Path, content: bytes, said: str
) -> None:
    secret, _ = add(tmp_path, "ann", ["advise"])
    known = Tokens(tmp_path)
    assert known.owner(secret) is not None
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(WrongInput) as caught:
        read(tmp_path)
    assert said in str(caught.value)
    assert "delete it and add the tokens anew" in str(caught.value)
    assert known.owner(secret) is None


def test_a_file_that_others_may_write_is_not_trusted(tmp_path: Path) -> None:
    secret, _ = add(tmp_path, "ann", ["advise"])
    known = Tokens(tmp_path)
    for mode, trusted in ((0o600, True), (0o620, False), (0o602, False), (0o644, True)):
        (tmp_path / FILE).chmod(mode)
        assert (known.owner(secret) is not None) is trusted
    (tmp_path / FILE).chmod(0o666)
    with pytest.raises(WrongInput, match="chmod 600"):
        add(tmp_path, "bob", ["advise"])


def test_what_changes_is_taken_up_at_the_next_request(tmp_path: Path) -> None:
    known = Tokens(tmp_path)
    assert known.owner("fst_any") is None
    first, _ = add(tmp_path, "ann", ["advise"])
    second, _ = add(tmp_path, "bob", ["advise"], 0.3 / 86_400)
    found = known.owner(first)
    assert found is not None
    assert found.name == "ann"
    remove(tmp_path, "ann")
    assert known.owner(first) is None
    deadline = time.monotonic() + 5
    while known.owner(second) is not None:
        assert time.monotonic() < deadline


def test_many_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from server.tokens import add\n"
        "for n in range(20): add(Path(sys.argv[1]), f'{sys.argv[2]}-{n}', ['advise'])"
    )
    command = [sys.executable, "-P", "-c", code, str(tmp_path)]
    running = [subprocess.Popen([*command, name], env=os.environ) for name in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len({token.name for token in read(tmp_path)}) == 40


def test_a_windowful_may_come_at_once_and_then_the_rate_holds() -> None:
    rate = Rate(60)
    assert [rate.wait("a", 0.0) for _ in range(60)] == [0] * 60
    assert rate.wait("a", 0.0) == 1
    assert rate.wait("b", 0.0) == 0
    assert rate.wait("a", 1.0) == 0
    assert rate.wait("a", 1.0) == 1
    assert [rate.wait("a", 1.0 + WINDOW) for _ in range(61)] == [0] * 60 + [1]


def test_no_limit_is_no_limit_and_callers_are_forgotten_in_time() -> None:
    assert not any(Rate(0).wait("a", 0.0) for _ in range(1000))
    rate = Rate(1)
    assert rate.wait("first", 0.0) == 0
    for n in range(CALLERS):
        assert rate.wait(f"caller {n}", 0.0) == 0
    assert rate.wait(f"caller {CALLERS - 1}", 0.0) == 60
    assert rate.wait("first", 0.0) == 0
