"""The verbs, as processes."""

import csv
import io
import json
import time
from pathlib import Path

import pytest
from served import NOWHERE, PAIR, environment, foresight, url_of
from wire import Wire

from server import tokens
from storage.embedded import Dsn

LEARNER = "mixin_compatibility"
PAIRS = "mixin_a,mixin_b,node_type,success_count,failure_count,created_at\n" + "".join(
    f"Mixin{i},MixinRetry,EFFECT,{i % 4},{3 - i % 4},2026-01-{i + 1:02d}\n" for i in range(20)
)


@pytest.fixture
def env(fresh_database: Dsn, tmp_path: Path) -> dict[str, str]:
    """The environment of processes that share a fresh database."""
    return environment(url_of(fresh_database), tmp_path)


def test_asking_and_telling_mirror_the_tools(env: dict[str, str]) -> None:
    ask = ("check-mixin-compatibility", *PAIR["mixins"], "--node-type", "effect", "--json")
    first = json.loads(foresight(env, *ask).stdout)
    assert (first["source"], first["n"]) == ("rules", 0)
    told = foresight(env, "record-feedback", "failure", "--decision-id", first["decision_id"])
    assert told.stdout.startswith("Outcome stored, as the outcome of its decision")
    facts = json.dumps({**PAIR, "failure": 4})
    foresight(env, "record-feedback", "failure", "--learner", LEARNER, "--facts", facts)
    after = json.loads(foresight(env, *ask).stdout)
    assert (after["source"], after["n"]) == ("observed", 5)
    need = ("recommend-mixins", "--node-type", "EFFECT", "--need", "cache", "--json")
    assert json.loads(foresight(env, *need).stdout)["recommendations"][0]["name"] == "MixinCaching"
    status = foresight(env, "status").stdout
    assert status.startswith("join rate: ")
    assert "n = 5" in status


def test_an_import_counts_its_rows_once_and_comes_out_again(
    env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(PAIRS)
    first = json.loads(foresight(env, "import", "mixins", str(file), "--json").stdout)
    assert (first["rows"], first["new"], first["outcomes"]) == (20, 20, 60)
    again = json.loads(foresight(env, "import", "mixins", "-", "--json", given=PAIRS).stdout)
    assert (again["new"], again["known"]) == (0, 20)
    matrix = list(csv.DictReader(io.StringIO(foresight(env, "export", "matrix").stdout)))
    assert len(matrix) == 20
    assert {row["mixin_b"] for row in matrix} == {"MixinRetry"}
    assert min(row["created_at"] for row in matrix) == "2026-01-01T00:00:00+00:00"
    outcomes = json.loads(foresight(env, "export", "outcomes", "--json").stdout)
    assert all(row["key"].startswith("import:") for row in outcomes)


def test_a_run_that_lacks_data_ends_skipped_with_the_missing_number(
    env: dict[str, str],
) -> None:
    foresight(env, "import", "mixins", "-", "--train", given=PAIRS)
    done = foresight(env, "train", LEARNER, "--wait", "--json")
    run = json.loads(done.stdout)
    assert (done.returncode, run["result"]) == (0, "skipped")
    assert "30 missing" in run["reason"]
    assert LEARNER in done.stderr  # requested, or under way already
    listed = foresight(env, "runs").stdout
    assert "skipped" in listed
    assert foresight(env, "versions", LEARNER).stdout == "none yet\n"


def test_rows_without_times_teach_and_runs_are_compared(env: dict[str, str]) -> None:
    rows = "".join(f"M{i},N{j},EFFECT,{int(i % 2 == 0)}\n" for i in range(8) for j in range(8))
    given = "mixin_a,mixin_b,node_type,compatible\n" + rows
    assert foresight(env, "import", "mixins", "-", given=given).returncode == 0
    run = json.loads(foresight(env, "train", LEARNER, "--wait", "--json").stdout)
    assert run["result"] in ("promoted", "rejected"), run["reason"]
    number = str(run["id"])
    compared = foresight(env, "runs", "--compare", number, number).stdout.splitlines()
    assert compared[1].count(f"run {number}") == 2
    assert any(line.strip().startswith("log_loss") for line in compared)


def test_a_described_mixin_is_listed_until_it_is_removed(env: dict[str, str]) -> None:
    add = ("mixins", "add", "MixinTea", "--category", "business", "--tag", "cache", "--async-safe")
    assert foresight(env, *add).returncode == 0
    listed = json.loads(foresight(env, "mixins", "list", "--json").stdout)
    assert [row["name"] for row in listed if row["added"]] == ["MixinTea"]
    assert len(listed) == 17
    assert foresight(env, "mixins", "remove", "MixinTea").returncode == 0
    gone = foresight(env, "mixins", "remove", "MixinTea")
    assert gone.returncode == 2
    assert gone.stderr == (
        "foresight: name: no mixin 'MixinTea' was added; `foresight mixins list`\n"
    )


def test_describing_a_shipped_mixin_anew_keeps_the_rest_until_it_is_removed(
    env: dict[str, str],
) -> None:
    def caching() -> dict[str, object]:
        listed = json.loads(foresight(env, "mixins", "list", "--json").stdout)
        found: dict[str, object] = next(row for row in listed if row["name"] == "MixinCaching")
        return found

    before = caching()
    add = ("mixins", "add", "MixinCaching", "--replace", "--tag", "tea")
    assert foresight(env, *add).returncode == 0
    assert caching() == {**before, "tags": ["tea"], "added": True}
    gone = foresight(env, "mixins", "remove", "MixinCaching")
    assert gone.stdout == "Your description of MixinCaching is removed; the shipped one is back.\n"
    assert caching() == before
    bare = foresight(env, "mixins", "add", "MixinSpoon").stdout
    assert "judged by the words of its name only" in bare


def test_a_misspelt_setting_is_warned_of_and_help_adds_no_line(tmp_path: Path) -> None:
    env = environment(NOWHERE, tmp_path)
    warned = foresight({**env, "FORESIGHT_WOKER": "off"}, "connect-info")
    assert warned.returncode == 0
    assert warned.stderr == (
        "foresight: warning: FORESIGHT_WOKER: no such setting; did you mean FORESIGHT_WORKER?\n"
    )
    assert foresight(env, "mixins").stderr == ""


def test_an_installation_without_data_says_so(tmp_path: Path) -> None:
    env = environment("", tmp_path / "data")
    assert "data: none yet (" in foresight(env, "db", "where").stdout
    done = foresight(env, "uninstall", "--data", "--yes")
    assert done.stdout.startswith(f"Nothing is stored in {tmp_path / 'data'}.\n")


def test_a_backtest_needs_no_database(tmp_path: Path) -> None:
    env = environment(NOWHERE, tmp_path)
    file = tmp_path / "lines.jsonl"
    lines = [
        {
            "asked": float(i),
            "query": {"mixins": [f"M{i % 7}", f"M{i % 5 + 7}"], "node_type": "EFFECT"},
            "known": i + 0.5,
            "outcome": "success" if i % 7 < 3 else "failure",
        }
        for i in range(90)
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    found = json.loads(foresight(env, "backtest", LEARNER, str(file), "--json").stdout)
    assert found["outcomes"] == 90
    assert set(found["metrics"]) == {"what was said", "the running base rate"}
    said = found["metrics"]["what was said"]["log_loss"]
    assert said[1] <= said[0] <= said[2]
    assert len(found["abstention_curve"]) == 5
    shown = foresight(env, "backtest", LEARNER, str(file))
    assert "surest share answered" in shown.stdout
    strict = {**env, "FORESIGHT_MIN_PAIRS": "1000", "FORESIGHT_RETRAIN_OUTCOMES": "80"}
    kept = json.loads(foresight(strict, "backtest", LEARNER, str(file), "--json").stdout)
    assert [(each["outcomes"], each["result"]) for each in kept["attempts"]] == [(80, "skipped")]
    assert "of 1000 pairs" in kept["attempts"][0]["reason"]
    schema = json.loads(foresight(env, "backtest", LEARNER, "--schema").stdout)
    assert schema["required"] == ["asked", "query", "known", "outcome"]


def test_evaluating_a_split_needs_no_database(tmp_path: Path) -> None:
    env = environment(NOWHERE, tmp_path)
    file = tmp_path / "lines.jsonl"
    rows = [(f"M{i % 7}", f"M{i % 5 + 7}", i % 7 < 3) for i in range(120)]
    lines = [
        {
            "asked": float(i),
            "query": {"mixins": [a, b], "node_type": "EFFECT"},
            "known": i + 0.5,
            "outcome": "success" if good else "failure",
        }
        for i, (a, b, good) in enumerate(rows)
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    report = json.loads(foresight(env, "evaluate", LEARNER, str(file), "--json").stdout)
    assert report["rows"] == 30
    assert report["chosen"] in report["metrics"]
    best, constant = report["metrics"][report["chosen"]], report["metrics"]["the best constant"]
    assert best["log_loss"][0] < constant["log_loss"][0]
    shown = foresight(env, "evaluate", LEARNER, str(file), str(file))
    assert "120 rows in 35 groups judge" in shown.stdout


def test_the_doctor_finds_all_well_or_says_what_to_do(env: dict[str, str], tmp_path: Path) -> None:
    well = foresight({**env, "FORESIGHT_WOKER": "x"}, "doctor", "--json")
    assert well.returncode == 0, well.stdout
    states = {each["name"]: each for each in json.loads(well.stdout)}
    assert states["database"]["state"] == "ok"
    assert "did you mean FORESIGHT_WORKER?" in states["settings"]["found"]
    ill = foresight(environment(NOWHERE, tmp_path), "doctor")
    assert ill.returncode == 1
    assert "fail  database: The database at 127.0.0.1:1/nothing does not answer" in ill.stdout


def test_a_wrong_call_of_the_program_itself_is_one_line_on_stderr(env: dict[str, str]) -> None:
    """All of them, in one process: test_wrong_calls."""
    done = foresight(env, "promote", LEARNER, "7")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "foresight: version: nothing of mixin_compatibility was trained yet; ask for a run first\n"
    )


def test_a_database_that_is_away_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    done = foresight(environment(NOWHERE, tmp_path), "status")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "foresight doctor" in done.stderr


def test_what_a_client_needs_is_printed_with_an_absolute_path(tmp_path: Path) -> None:
    env = environment("postgresql://me:hunter2@127.0.0.1:1/db", tmp_path)
    found = json.loads(foresight(env, "connect-info", "--json").stdout)
    entry = found["mcpServers"]["foresight"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"] == ["serve"]
    # else the client's server would have another history; what may hold a password is only named
    assert entry["env"]["FORESIGHT_DATA_DIR"] == str(tmp_path)
    assert entry["env"]["FORESIGHT_DATABASE_URL"] == "${FORESIGHT_DATABASE_URL}"


def test_the_password_of_a_database_is_never_shown(tmp_path: Path) -> None:
    env = environment("postgresql://me:hunter2@127.0.0.1:1/db?sslmode=disable", tmp_path)
    for arguments in ("status",), ("doctor",), ("db", "where"), ("export", "matrix"):
        done = foresight(env, *arguments)
        assert "hunter2" not in done.stdout + done.stderr


def test_a_dump_through_a_pooler_names_the_way_past_it(tmp_path: Path) -> None:
    env = environment(NOWHERE, tmp_path, FORESIGHT_DATABASE_POOLER="transaction")
    done = foresight(env, "db", "dump", str(tmp_path / "all.dump"))
    assert done.returncode == 2
    assert done.stderr.startswith("foresight: FORESIGHT_DATABASE_DIRECT_URL: expected the server's")


def test_an_embedded_database_is_dumped_restored_and_removed(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    env = environment("", directory)
    told = ("record-feedback", "success", "--learner", LEARNER, "--facts", json.dumps(PAIR))
    assert foresight(env, *told).returncode == 0
    place = json.loads(foresight(env, "db", "where", "--json").stdout)
    assert Path(place["data"]).is_dir()
    dump = str(tmp_path / "all.dump")
    assert foresight(env, "db", "dump", dump).returncode == 0
    again = foresight(env, "db", "dump", dump)
    assert again.stderr == f"foresight: file: {dump} exists; name another one, or use --force\n"
    assert foresight(env, *told).returncode == 0
    unasked = foresight(env, "db", "restore", dump)
    assert unasked.stderr == ("foresight: expected --yes, because there is no terminal to ask at\n")
    assert foresight(env, "db", "restore", dump, "--yes").returncode == 0
    assert len(json.loads(foresight(env, "export", "outcomes", "--json").stdout)) == 1
    with Wire(env, tmp_path) as wire:
        wire.initialize()
        until = time.monotonic() + 20
        while wire.call("learning_status")["structuredContent"]["database"] != "ready":
            assert time.monotonic() < until
        refused = foresight(env, "uninstall", "--data", "--yes")
        assert refused.returncode == 1
        assert "a server still uses the database" in refused.stderr
    kept = foresight(env, "uninstall")
    assert kept.returncode == 0
    assert Path(place["data"]).is_dir()
    tokens.add(directory, "ann", ["advise"])
    assert foresight(env, "uninstall", "--data", "--yes").returncode == 0
    assert not Path(place["directory"]).exists()
    assert not directory.exists()
