"""Forgetting, the audit and making versions again, as processes."""

import json
from pathlib import Path

import pytest
from served import LEARNERS, NOWHERE, PAIR, environment, foresight, url_of

from storage.embedded import Dsn

LEARNER = "mixin_compatibility"


@pytest.fixture
def env(fresh_database: Dsn, tmp_path: Path) -> dict[str, str]:
    """The environment of processes that share a fresh database."""
    return environment(url_of(fresh_database), tmp_path)


def test_forgetting_shows_what_would_go_asks_and_leaves_a_record_without_names(
    env: dict[str, str],
) -> None:
    asked = foresight(
        env, "check-mixin-compatibility", *PAIR["mixins"], "--node-type", "EFFECT",
        "--project", "zebra", "--json",
    )  # fmt: skip
    decision = json.loads(asked.stdout)["decision_id"]
    told = ("record-feedback", "failure", "--decision-id", decision)
    assert foresight(env, *told).returncode == 0
    listed = foresight(env, "audit", "--decisions").stdout
    assert f"{decision} in zebra: no probability from rules" in listed
    missed = foresight(env, "forget", "--project", "zebr").stdout
    assert missed == "Nothing stored matches; nothing was changed. Projects: zebra.\n"
    seen = foresight(env, "forget", "--project", "zebra", "--dry-run").stdout
    assert f"{LEARNER}: 1 answer and 1 outcome\n" in seen
    assert "Nothing was changed.\nNot reached:\n* dumps and exports" in seen
    unasked = foresight(env, "forget", "--project", "zebra")
    assert unasked.stderr == "foresight: expected --yes, because there is no terminal to ask at\n"
    done = json.loads(foresight(env, "forget", "--project", "zebra", "--yes", "--json").stdout)
    assert done["forgotten"]
    assert done["learners"][LEARNER]["outcomes"] == 1
    assert json.loads(foresight(env, "export", "outcomes", "--json").stdout) == []
    audit = foresight(env, "audit", "--decisions", "--json").stdout
    assert "zebra" not in audit
    (row,) = map(json.loads, audit.splitlines())
    assert (row["what"], row["counts"]["learners"][LEARNER]["decisions"]) == ("erasure", 1)


def test_a_dot_is_the_project_of_this_directory(env: dict[str, str]) -> None:
    told = ("record-feedback", "success", "--learner", LEARNER, "--facts", json.dumps(PAIR))
    assert foresight(env, *told).returncode == 0
    seen = foresight(env, "forget", "--project", ".", "--dry-run").stdout
    assert f"{LEARNER}: 0 answers and 1 outcome\n" in seen


def test_forgetting_names_the_dumps_and_deletes_them_on_request(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    env = environment("", directory)
    told = ("record-feedback", "success", "--learner", LEARNER, "--facts", json.dumps(PAIR))
    assert foresight(env, *told).returncode == 0
    place = json.loads(foresight(env, "db", "where", "--json").stdout)
    dump = Path(place["dumps"], "20260101T000000-1.dump")
    dump.parent.mkdir(exist_ok=True)
    dump.write_bytes(b"as one from before a migration")
    seen = foresight(env, "forget", "--project", "here", "--dry-run").stdout
    assert f"* the dump {dump}; --dumps deletes it" in seen
    done = foresight(env, "forget", "--project", "here", "--yes", "--dumps").stdout
    assert f"Deleted: {dump}\n" in done
    assert not dump.exists()
    assert foresight(env, "uninstall", "--data", "--yes").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("forget",),
            "expected at least one of --project, --user, --from, --to: without any, everything "
            "would be forgotten; that is `foresight uninstall --data`",
        ),
        (
            ("forget", "--from", "yesterday"),
            "--from: expected a date or a time such as 2026-01-31 or 2026-01-31T12:00+01:00; got "
            "'yesterday'",
        ),
        (
            ("forget", "--from", "2026-02-01", "--to", "2026-01-01"),
            "--to: expected a time after --from, 2026-02-01T00:00:00+00:00; got '2026-01-01'",
        ),
        (
            ("forget", "--user", "me", "--learner", "tea"),
            f"--learner: expected one of {LEARNERS}; got 'tea'",
        ),
        (
            ("reproduce", LEARNER),
            f"Missing argument 'version'. Example: foresight reproduce {LEARNER} 2",
        ),
    ],
)
def test_a_wrong_call_is_one_line_and_needs_no_database(
    tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = foresight(environment(NOWHERE, tmp_path), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"foresight: {expected}\n"


def test_a_version_that_is_not_there_cannot_be_reproduced(env: dict[str, str]) -> None:
    done = foresight(env, "reproduce", LEARNER, "1")
    expected = f"version: nothing of {LEARNER} was trained yet; ask for a run first"
    assert (done.returncode, done.stderr) == (2, f"foresight: {expected}\n")
