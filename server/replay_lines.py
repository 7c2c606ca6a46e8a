"""Replay lines: a question, what then happened, and the two times, as JSON, one per line."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from learners import codec
from learners.errors import WrongInput
from learners.learner import AnyExample, AnyLearner, Example
from learners.wording import quoted

LATEST = 1e11  # seconds since 1970; what is later was given in milliseconds
NEEDED = ("asked", "query", "known", "outcome")
ALLOWED = (*NEEDED, "group", "propensity", "option")


def read(learner: AnyLearner, file: Path) -> list[AnyExample]:
    """Return the examples of a file.

    Raises:
        WrongInput: Naming the line and the field.
        OSError: The file cannot be read.
    """
    examples = list[AnyExample]()
    for number, line in enumerate(_lines(file), 1):
        if line.strip():
            try:
                examples.append(example(learner, _parsed(line)))
            except WrongInput as error:
                raise WrongInput(f"{file.name} line {number}: {error}") from None
    if not examples:
        raise WrongInput(f"{file.name}: expected at least one line, got none")
    return examples


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").split("\n")
    except UnicodeDecodeError:
        raise WrongInput(f"{file.name}: expected text in UTF-8") from None


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WrongInput(
            f"expected JSON lines, one object per line ({error}); `foresight backtest --schema` "
            "describes them"
        ) from None


def example(learner: AnyLearner, line: Any) -> AnyExample:
    """Return a line as an example.

    Raises:
        WrongInput: Naming the field.
    """
    if not isinstance(line, dict):
        raise WrongInput("expected a JSON object")
    if missing := [name for name in NEEDED if name not in line]:
        raise WrongInput(f"{missing[0]}: is missing. Accepted: {', '.join(ALLOWED)}.")
    if unknown := [name for name in line if name not in ALLOWED]:
        raise WrongInput(f"{quoted(unknown[0])}: is not a field. Accepted: {', '.join(ALLOWED)}.")
    asked, known = when(line["asked"], "asked"), when(line["known"], "known")
    if known < asked:
        raise WrongInput("known: expected a time not before asked")
    propensity = line.get("propensity")
    if propensity is not None and not (isinstance(propensity, int | float) and 0 < propensity <= 1):
        raise WrongInput("propensity: expected a number in (0, 1], or null")
    option = line.get("option")
    if option is not None and not isinstance(option, str):
        raise WrongInput(f"option: expected a name, or null; got {quoted(option)}")
    return Example(
        query=codec.validated(learner.query, line["query"], "query"),
        outcome=_outcome(learner, line["outcome"]),
        asked=asked,
        known=known,
        group=str(line.get("group") or ""),
        option=option,
        propensity=propensity,
    )


def _outcome(learner: AnyLearner, value: Any) -> Any:
    if value in ("success", "neutral", "failure"):
        outcome = learner.verdict(value)
        if outcome is not None:
            return outcome
    if not isinstance(value, dict):
        fields = ", ".join(learner.outcome.model_fields)
        judged = learner.verdict("success") is not None
        words = "success, neutral or failure, or " if judged else ""
        raise WrongInput(
            f"outcome: expected {words}an object with some of {fields}; got {quoted(value)}"
        )
    return codec.validated(learner.outcome, value, "outcome")


def when(value: Any, field: str) -> float:
    """Return a time in seconds since 1970: given so, or as ISO 8601; without a zone it is UTC.

    Raises:
        WrongInput: Naming the field.
    """
    seconds = _seconds(value)
    if seconds is not None and 0 <= seconds < LATEST:
        return seconds
    raise WrongInput(
        f"{field}: expected seconds since 1970 or a time like 2026-01-31T12:00:00Z, "
        f"got {quoted(value)}"
    )


def _seconds(value: Any) -> float | None:
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip())
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        return None
    return None


def schema_of(learner: AnyLearner) -> dict[str, Any]:
    """Return the JSON schema of a line."""
    time = {"oneOf": [{"type": "number"}, {"type": "string", "format": "date-time"}]}
    written = "in seconds since 1970, or ISO 8601"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A replay line of {learner.name}",
        "type": "object",
        "additionalProperties": False,
        "required": list(NEEDED),
        "properties": {
            "asked": {**time, "description": f"when the question was asked, {written}"},
            "query": learner.query.model_json_schema(),
            "known": {**time, "description": f"when what happened was known, {written}"},
            "outcome": {
                "oneOf": [
                    {"enum": ["success", "neutral", "failure"]},
                    learner.outcome.model_json_schema(),
                ]
            },
            "group": {"type": "string", "description": "what shares its luck stays together"},
            "option": {"type": "string", "description": "what was really used"},
            "propensity": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        },
    }
