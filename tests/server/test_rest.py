"""The inference API over HTTP: the same answers, checks, scopes and limits as the tools."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asked import Answer, ask, serving, until
from served import LEARNERS, NOWHERE, environment, foresight, url_of

from server import tokens
from storage.embedded import Dsn

PREDICT, RETRAIN, METRICS = "/api/ml/predict", "/api/ml/retrain", "/api/ml/metrics"
TASK = {"task_description": "Add a login endpoint", "task_type": "backend", "agent": "coder"}
FAMILY = {"generation_complexity", "generation_quality", "generation_success", "generation_time"}


class Place(NamedTuple):
    """A server for others than this machine, with two tokens."""

    address: str
    env: dict[str, str]
    ann: str  # advise, feedback
    root: str  # admin


@pytest.fixture(scope="module")
def place(shared_database: Dsn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server on every address, which does not train."""
    directory = tmp_path_factory.mktemp("data")
    env = environment(
        url_of(shared_database), directory, FORESIGHT_TOOLSETS="advise,feedback,admin"
    )
    ann = tokens.add(directory, "ann", ["advise", "feedback"], 1)[0]
    root = tokens.add(directory, "root", ["admin"], 1)[0]
    with serving(env, "--host", "0.0.0.0") as (address, _):
        until(address, "/readyz", 200)
        yield Place(address, env, ann, root)


def post(address: str, path: str, body: Any, token: str = "", **headers: str) -> Answer:
    return ask(address, path, token=token, body=json.dumps(body).encode(), headers=headers)


def get(address: str, path: str, token: str = "") -> Any:
    answer = ask(address, path, token=token, body=None)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


def wrong(answer: Answer) -> tuple[int, str | None, str]:
    """Return status, field and message of an error."""
    error = json.loads(answer.text)["error"]
    return answer.status, error["field"], error["message"]


def test_a_prediction_is_that_of_the_tool_and_meets_its_outcome(place: Place) -> None:
    answer = post(place.address, PREDICT, TASK, place.ann)
    assert answer.status == 200
    found = json.loads(answer.text)
    assert (found["source"], found["success"]) == ("abstained", None)
    assert set(found["estimates"]) == {"complexity", "seconds", "quality"}
    told = foresight(
        place.env, "record-feedback", "success", "--decision-id", found["decision_id"], "--json"
    )
    assert json.loads(told.stdout)["joined"]
    decided = foresight(place.env, "export", "decisions", "--json").stdout
    assert found["decision_id"] in decided


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (b'{"task_type": "tea"}', "task_type", "task_type: expected 'backend', 'frontend'"),
        (b'{"temperature": 9}', "temperature", "expected less than or equal to 5"),
        (b'{"rag_quality": NaN}', "rag_quality", "expected less than or equal to 10"),
        (b'{"colour": "red"}', "colour", "colour: is not an argument"),
        (b'{"agent": "\\u0000"}', "agent", "expected text without NUL characters"),
        (b'{"agent": "\\ud800"}', "agent", "agent: expected"),
        (b"[1]", "body", "body: expected a JSON object"),
        (b"{", "body", "body: expected JSON: "),
        (b"\xff", "body", "body: expected JSON: "),
        (b"[" * 100_000, "body", "body: expected JSON: "),
    ],
)
def test_a_wrong_body_is_an_error_that_names_the_field(
    place: Place, body: bytes, field: str, said: str
) -> None:
    status, named, message = wrong(ask(place.address, PREDICT, token=place.ann, body=body))
    assert (status, named) == (400, field)
    assert said in message
    assert "\n" not in message


def test_a_body_that_is_too_large_is_refused(place: Place) -> None:
    large = b'{"task_description": "' + b"x" * 2**20 + b'"}'
    announced = ask(place.address, PREDICT, token=place.ann, body=large)
    assert wrong(announced) == (413, "body", "body: expected at most 1048576 bytes")
    chunks = b"110000\r\n%b\r\n0\r\n\r\n" % (b" " * 0x110000)
    streamed = ask(
        place.address, PREDICT, token=place.ann, body=chunks,
        headers={"Transfer-Encoding": "chunked"},
    )  # fmt: skip
    assert streamed.status == 413
    nothing = ask(place.address, PREDICT, token=place.ann, body=b"")
    assert nothing.status == 200  # every argument has a default


@pytest.mark.parametrize(("path", "scope"), [(PREDICT, "advise"), (RETRAIN, "admin")])
def test_a_token_may_do_what_its_scopes_say(place: Place, path: str, scope: str) -> None:
    other = place.root if scope == "advise" else place.ann
    name = "root" if scope == "advise" else "ann"
    status, field, message = wrong(post(place.address, path, {}, other))
    assert (status, field) == (403, "token")
    assert message.startswith(f"token: expected one with the scope {scope}, '{name}' has ")
    for nobody in ("", "fst_wrong"):
        assert ask(place.address, path, token=nobody, body=b"{}").status == 401
    rebound = {"Host": "rebound.example"}
    assert ask(place.address, path, token=place.ann, headers=rebound).status == 421


@pytest.mark.parametrize(("path", "method"), [(PREDICT, "POST"), (METRICS, "GET")])
def test_another_method_is_refused_with_the_one_it_has(
    place: Place, path: str, method: str
) -> None:
    body = None if method == "POST" else b"{}"
    answer = ask(place.address, path, token=place.ann, body=body)
    assert wrong(answer) == (405, "method", f"method: expected {method}")
    assert answer.headers["allow"] == method


def test_metrics_need_the_scope_of_advice(place: Place) -> None:
    refused = ask(place.address, METRICS, token=place.root, body=None)
    assert wrong(refused)[:2] == (403, "token")
    found = get(place.address, f"{METRICS}?weeks=3", place.ann)
    assert set(found) == {
        "model_performance", "prediction_accuracy", "feature_importance", "data_distribution",
        "kpis",
    }  # fmt: skip
    assert set(found["model_performance"]) == set(LEARNERS.split(", "))
    assert len(found["kpis"]["weeks"]) == 3
    for query, field in (("weeks=0", "weeks"), ("weeks=x", "weeks"), ("week=3", "week")):
        answer = ask(place.address, f"{METRICS}?{query}", token=place.ann, body=None)
        assert wrong(answer)[:2] == (400, field)


def test_a_run_is_really_requested(place: Place) -> None:
    asked = post(place.address, RETRAIN, {"learner": "generation_time"}, place.root)
    found = json.loads(asked.text)
    assert (asked.status, found["training_started"]) == (202, True)
    first = found["requests"]["generation_time"]
    again = json.loads(post(place.address, RETRAIN, {}, place.root).text)["requests"]
    assert set(again) == FAMILY
    assert again["generation_time"] == first + 1
    assert "`foresight worker` does it" in found["next"]
    status, field, message = wrong(post(place.address, RETRAIN, {"learner": "tea"}, place.root))
    assert (status, field) == (400, "learner")
    assert message == f"learner: expected one of {LEARNERS}; got 'tea'"
    assert wrong(post(place.address, RETRAIN, {"learners": 1}, place.root))[:2] == (400, "learners")


def test_a_requested_run_ends_where_a_worker_is(fresh_database: Dsn, tmp_path: Path) -> None:
    env = environment(
        url_of(fresh_database), tmp_path, FORESIGHT_TOOLSETS="advise,admin",
        FORESIGHT_WORKER="inline",
    )  # fmt: skip
    with serving(env) as (address, _):
        until(address, "/readyz", 200)
        found = json.loads(post(address, RETRAIN, {"learner": "generation_time"}).text)
        assert "this server does it" in found["next"]
        deadline = time.monotonic() + 60
        while True:
            run = get(address, METRICS)["model_performance"]["generation_time"]["last_run"]
            if run is not None:
                break
            assert time.monotonic() < deadline
        assert (run["result"], run["reason"]) == ("skipped", "0 of 20 different tasks, 20 missing")


@pytest.mark.parametrize(
    ("settings", "field", "setting"),
    [
        ({}, "toolset", "FORESIGHT_TOOLSETS"),
        (
            {"FORESIGHT_TOOLSETS": "advise,admin", "FORESIGHT_READ_ONLY": "true"},
            "read_only",
            "FORESIGHT_READ_ONLY",
        ),
    ],
)
def test_what_is_not_served_as_a_tool_is_not_served_here(
    fresh_database: Dsn, tmp_path: Path, settings: dict[str, str], field: str, setting: str
) -> None:
    env = environment(url_of(fresh_database), tmp_path, **settings)
    with serving(env) as (address, _):
        until(address, "/readyz", 200)
        status, named, message = wrong(post(address, RETRAIN, {}))
        assert (status, named) == (403, field)
        assert setting in message
        assert post(address, PREDICT, TASK).status == 200


def test_the_rate_counts_here_too(fresh_database: Dsn, tmp_path: Path) -> None:
    env = environment(url_of(fresh_database), tmp_path, FORESIGHT_HTTP_RATE="5")
    with serving(env) as (address, _):
        until(address, "/readyz", 200)  # which counts for nobody
        seen = [post(address, PREDICT, {}) for _ in range(6)]
        assert [each.status for each in seen] == [200] * 5 + [429]
        assert seen[-1].headers["retry-after"]


def test_without_a_database_advice_goes_on_and_the_rest_says_when_to_repeat(
    tmp_path: Path,
) -> None:
    env = environment(NOWHERE, tmp_path, FORESIGHT_TOOLSETS="advise,admin")
    with serving(env) as (address, _):
        until(address, "/healthz", 200)
        advice = post(address, PREDICT, TASK)
        assert (advice.status, json.loads(advice.text)["degraded"]) == (200, True)
        for answer in (ask(address, METRICS, body=None), post(address, RETRAIN, {})):
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert "the database is away" in wrong(answer)[2]
