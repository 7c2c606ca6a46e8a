"""The environment, read with one line for each wrong value."""

from pathlib import Path

import pytest

from learners.catalog.mixin_compatibility import LEARNER
from learners.registry import catalog
from learners.serving import Live
from learners.trainer import configured
from learners.training_files import Job
from server.settings import TOOLSETS, Settings, WrongSetting, load, misspelt
from tools import surface


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FORESIGHT_{name.upper()}", raising=False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("WORKER", "yes", "expected 'inline' or 'off'; got 'yes'"),
        ("HTTP_PORT", "70000", "expected less than or equal to 65535; got '70000'"),
        ("TOOLSETS", "advise,tea", "expected some of advise, feedback, admin; got 'tea'"),
        (
            "HTTP_ALLOWED_HOSTS",
            "advice.example,https://advice.example",
            "expected names or addresses without scheme and port; got 'https://advice.example'",
        ),
        ("HTTP_AUTH", "never", "expected 'remote' or 'always'; got 'never'"),
        ("HTTP_RATE", "-1", "expected greater than or equal to 0; got '-1'"),
        ("DATABASE_POOLER", "session", "expected '' or 'transaction'; got 'session'"),
        ("HELD_OUT_GROUPS", "1", "expected greater than or equal to 2; got '1'"),
        ("FLOORS", "low", "expected 'on' or 'off'; got 'low'"),
        ("NIGHTLY_HOUR", "24", "expected less than or equal to 23; got '24'"),
        ("NIGHTLY_HOUR", "never", "expected a valid integer; got 'never'"),
        (
            "LOG_LEVEL",
            "loud",
            "expected 'debug', 'info', 'warning' or 'error'; got 'loud'",
        ),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(f"FORESIGHT_{name}", value)
    with pytest.raises(WrongSetting) as caught:
        load()
    assert str(caught.value) == f"FORESIGHT_{name}: {expected}"


def test_a_password_in_a_wrong_url_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESIGHT_DATABASE_URL", "mysql://me:hunter2@host/db")
    with pytest.raises(WrongSetting) as caught:
        load()
    assert "hunter2" not in str(caught.value)


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESIGHT_WORKER", "")
    monkeypatch.setenv("FORESIGHT_HTTP_PORT", "")
    assert (load().worker, load().http_port) == ("inline", 8077)


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESIGHT_WORKER", "x")
    monkeypatch.setenv("FORESIGHT_MIN_PAIRS", "0")
    with pytest.raises(WrongSetting) as caught:
        load()
    assert len(str(caught.value).splitlines()) == 2


def test_a_misspelt_variable_is_recognised() -> None:
    assert misspelt({"FORESIGHT_WOKER": "off", "FORESIGHT_WORKER": "off", "PATH": ""}) == [
        "FORESIGHT_WOKER: no such setting; did you mean FORESIGHT_WORKER?"
    ]


def test_only_thresholds_that_were_set_replace_a_learners_own() -> None:
    assert load().applied(LEARNER) == LEARNER
    changed = load(min_pairs=7, held_out_groups=9, retrain_outcomes=11).applied(LEARNER)
    assert changed.retrain.minimum_distinct == 7
    assert changed.retrain.minimum_outcomes == LEARNER.retrain.minimum_outcomes
    assert changed.retrain.outcomes == 11
    assert changed.gate.groups == 9


def test_the_nightly_hour_is_that_of_learners_that_have_one() -> None:
    nightly = catalog()["generation_success"]
    assert load().applied(nightly).retrain.nightly == 2
    assert load(nightly_hour="23").applied(nightly).retrain.nightly == 23
    assert load(nightly_hour="Off").applied(nightly).retrain.nightly is None
    assert load(nightly_hour=5).applied(LEARNER).retrain.nightly is None


def test_floors_of_specifications_stand_unless_they_are_left_out() -> None:
    learner = catalog()["generation_success"]
    assert load().applied(learner).gate.floors == {"accuracy": 0.75, "auc": 0.80}
    assert load(floors="OFF").applied(learner).gate.floors == {}


def test_what_is_set_reaches_the_training_process_and_outlives_a_catalogue_entry() -> None:
    set_ = load(floors="off", held_out_groups=9, nightly_hour="off", min_pairs=3)
    for name, learner in catalog().items():
        live = Live(set_.applied(learner))
        if learner.extend is not None:
            live.extend(({"name": "MixinTea"},))
        job = Job(
            learner=name, revision=1, seed=0, gate=live.learner.gate, retrain=live.learner.retrain
        )
        there = configured(learner, Job.model_validate_json(job.model_dump_json()))
        assert there.gate == set_.applied(learner).gate
        assert there.gate.floors == {}
        assert (there.gate.groups, there.retrain.minimum_distinct) == (9, 3)
        assert there.retrain.nightly is None


def test_the_database_is_where_the_settings_say(tmp_path: Path) -> None:
    where = load(data_dir=tmp_path).where()
    assert where.directory == tmp_path / "postgres"
    assert not where.pooler


def test_the_toolsets_are_those_of_the_surface() -> None:
    assert TOOLSETS == surface.TOOLSETS
    assert load().toolsets == surface.DEFAULT
