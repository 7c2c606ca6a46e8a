"""A row of a history of generations: columns of spec 002 (002-47 ... 002-58), or our own names."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from learners.errors import WrongInput
from learners.learner import AnyLearner
from learners.wording import named, quoted
from server.replay_lines import when

Record = Mapping[str, Any]

OURS: Mapping[str, str] = {  # what spec 002 calls it, and what we do
    "task_id": "task_key",
    "project_id": "project",
    "agent_type": "agent",
    "model_used": "model",
    "rag_examples_count": "rag_examples",
    "rag_avg_quality": "rag_quality",
    "rag_avg_similarity": "rag_similarity",
    "generated_code": "code",
    "self_review_score": "self_review",
    "user_action": "action",
    "modifications_requested": "modifications",
    "final_quality_score": "quality",
    "generation_time_seconds": "seconds",
    "tokens_used": "tokens",
    "num_regenerations": "regenerations",
}
ABOUT: Final = (  # who, when, and what is made of other columns
    "event_id", "key", "user_id", "session_id", "started_at", "completed_at", "approved_at",
    "user_feedback", "success", "approved", "metadata", "rag_enabled", "rag_examples_ids",
    "file_path", "code",
)  # fmt: skip
MEASURES: Final = (
    "lines_of_code", "cyclomatic_complexity", "max_complexity", "num_functions", "num_classes",
    "num_tests", "type_hint_coverage", "docstring_coverage", "has_type_hints", "has_docstrings",
    "has_tests",
)  # fmt: skip
YES: Final = ("1", "true", "yes", "t", "1.0")
NO: Final = ("0", "false", "no", "f", "0.0")
MISSING: Final = ("", "null", "nan", "n/a")
WORDS: Mapping[str, Any] = {"approve": "success", "modify": "neutral", "reject": "failure"}
KINDS: Mapping[str, Sequence[str]] = {  # other words for the kinds of tasks there are
    "backend": ("api", "api_endpoint", "endpoint", "server", "service"),
    "frontend": ("ui", "component", "web", "frontend_component"),
    "database": ("db", "sql", "schema", "migration", "model"),
    "testing": ("test", "tests", "unit_test", "unit_tests", "qa"),
    "documentation": ("docs", "doc", "readme"),
    "devops": ("infra", "infrastructure", "ci", "ci/cd", "deployment", "build"),
    "refactoring": ("refactor", "cleanup", "chore"),
    "implementation": ("feature", "feat", "implement", "fix", "bugfix", "code"),
}
KIND_OF: Final = {word: kind for kind, words in KINDS.items() for word in (kind, *words)}
LONGEST_DESCRIPTION: Final = 20_000  # characters; the rest is cut off, and counted
LONGEST_CODE: Final = 200_000  # characters; longer code is left out


@dataclass(frozen=True, slots=True)
class Generation:
    """A row as it is told.

    Attributes:
        said: Fields of the question and of what happened, by our names.
        word: How it was judged; pending: nobody has.
        judged: When the verdict became known, in seconds since 1970; ``known``: all else.
        columns: Which column each of our names was read from.
        strange: The kind of task as the row calls it, where it is none of ours.
    """

    key: str
    said: Mapping[str, Any]
    word: Any
    asked: float | None
    known: float
    judged: float
    user: str = ""
    session: str = ""
    notes: str = ""
    strange: str = ""
    cut: bool = False
    columns: Mapping[str, str] = field(default_factory=dict[str, str])


def read(record: Record, learners: Sequence[AnyLearner], now: float) -> Generation:
    """Return a row as a generation.

    Raises:
        WrongInput: Naming the column.
    """
    cells = {name: value for name, value in record.items() if name and not _missing(value)}
    columns = {OURS.get(name, name): name for name in cells}
    given = {ours: cells[name] for ours, name in columns.items()}
    known = {name for each in learners for name in _fields(each)}
    said = {name: value for name, value in given.items() if name in known and name not in ABOUT}
    strange = _kind(said)
    cut = _cut(said)
    said |= _made(given, said)
    asked, known_at, judged = _times(given, now)
    return Generation(
        key=str(given.get("event_id", given.get("key", ""))),
        said=said,
        word=_judged(given, said),
        asked=asked,
        known=known_at,
        judged=judged,
        user=str(given.get("user_id", "")),
        session=str(given.get("session_id", "")),
        notes=str(given.get("user_feedback", ""))[:2000],
        strange=strange,
        cut=cut,
        columns=columns,
    )


def unread(record: Record, learners: Sequence[AnyLearner]) -> list[str]:
    """Return the columns of which nothing is read."""
    known = {*ABOUT, *MEASURES, *(name for each in learners for name in _fields(each))}
    return [name for name in record if name and OURS.get(name, name) not in known]


def _fields(learner: AnyLearner) -> list[str]:
    """Return what can be told; the numbers of a text are always taken from the text itself."""
    asked = (name for name in learner.query.model_fields if name != "text")
    return [*asked, *learner.outcome.model_fields]


def _missing(value: Any) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return True
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING)


def _kind(said: dict[str, Any]) -> str:
    """Put the kind of task into our words; return the row's own where there is none for it."""
    if "task_type" not in said:
        return ""
    own = str(said["task_type"]).strip().lower()
    said["task_type"] = KIND_OF.get(own, "other")
    return "" if own == "other" or own in KIND_OF else own


def _cut(said: dict[str, Any]) -> bool:
    description = said.get("task_description", "")
    if isinstance(description, str) and len(description) > LONGEST_DESCRIPTION:
        said["task_description"] = description[:LONGEST_DESCRIPTION]
        return True
    return False


def _made(given: Record, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is made of several columns."""
    made = dict[str, Any]()
    metadata = _object(given.get("metadata", {}), "metadata")
    if "rag_examples_ids" in given:
        metadata["rag_examples_ids"] = _listed(given["rag_examples_ids"])
    if (
        "rag_enabled" in given
        and "rag_examples" not in said
        and _flag(given, "rag_enabled") is False
    ):
        made["rag_examples"] = 0
    measured = {name: given[name] for name in MEASURES if name in given}
    file = {"file_path": str(given["file_path"])} if "file_path" in given else {}
    if "code" in given and len(str(given["code"])) <= LONGEST_CODE:
        made |= {"code": str(given["code"]), **file}
    if {"lines_of_code", "cyclomatic_complexity"} <= set(measured):
        made["measured"] = {**measured, **file}
    else:
        metadata |= measured
    if "modifications" in said and not isinstance(said["modifications"], str):
        made["modifications"] = "; ".join(map(str, _listed(said["modifications"])))
    return {**made, "metadata": metadata} if metadata else made


def _judged(given: Record, said: dict[str, Any]) -> Any:
    """Return the word of the verdict; pending where nobody has judged it."""
    action = str(said.pop("action", "")).strip().lower()
    success, approved = _flag(given, "success"), _flag(given, "approved")
    if action and action not in WORDS:
        raise WrongInput(f"user_action: expected approve, modify or reject; got {quoted(action)}.")
    if action and success is not None and success != (action == "approve"):
        raise WrongInput(f"success: contradicts user_action {action}.")
    if not action and success is not None:
        action = "approve" if success else "modify" if approved else "reject"
    if not action and approved is False:
        action = "reject"
    return WORDS[action] if action else "pending"


def _flag(given: Record, name: str) -> bool | None:
    if name not in given:
        return None
    said = str(given[name]).strip().lower()
    if said not in (*YES, *NO):
        raise WrongInput(f"{name}: expected true or false, got {quoted(given[name])}.")
    return said in YES


def _object(value: Any, name: str) -> dict[str, Any]:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WrongInput(f"{named(name)}: expected a JSON object.")
    return dict(found)


def _listed(value: Any) -> list[Any]:
    """Return a list; of a text, the JSON list that it holds, or the text alone."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
    return list(value) if isinstance(value, list) else [value]


def _times(given: Record, now: float) -> tuple[float | None, float, float]:
    """Return when it was asked, when it was finished, and when it was judged."""
    found = dict[str, float]()
    for name in ("started_at", "completed_at", "approved_at"):
        if name in given:
            found[name] = when(given[name], name)
            if found[name] > now:
                raise WrongInput(f"{name}: expected a time in the past.")
    asked, judged = found.get("started_at"), found.get("approved_at")
    finished = found.get("completed_at", _finished(given, asked, judged, now))
    for name, at in (("completed_at", finished), ("approved_at", judged)):
        if asked is not None and at is not None and at < asked:
            raise WrongInput(f"{name}: expected a time not before started_at.")
    return asked, finished, max(finished, judged or finished)


def _finished(given: Record, asked: float | None, judged: float | None, now: float) -> float:
    """Return when it was finished where no column says so: at the latest when it was judged."""
    latest = now if judged is None else judged
    if asked is None:
        return latest
    try:
        return min(asked + max(0.0, float(given.get("seconds", 0))), latest)
    except (TypeError, ValueError):
        return asked  # what is wrong with it is said when it is told
