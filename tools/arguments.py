"""The types of arguments that tools share, with their bounds."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

LONGEST_FACTS = 20_000  # characters of JSON, without the code
LONGEST_CODE = 200_000  # characters
CODE = ("code", "generated_code")  # two names of the same
DEEPEST_FACTS = 8
LARGEST_NUMBER = 2**53  # beyond it JSON readers disagree, and a repeated outcome would differ


def plain(text: str) -> str:
    """Refuse what PostgreSQL cannot keep in a text: NUL characters and half characters."""
    if "\0" in text:
        raise ValueError("expected text without NUL characters")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("expected whole characters, got half of a surrogate pair")
    return text


def named(name: str) -> str:
    """Refuse names that could not be shown or joined to a pair."""
    name = plain(name).strip()
    if not name:
        raise ValueError("expected a name, got an empty text")
    if " + " in name or not name.isprintable():
        raise ValueError("expected a printable name without ' + '")
    return name


def facts(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse facts that JSON or the database could not hold."""
    _check(value, 0)
    for name in CODE:
        if len(str(value.get(name, ""))) > LONGEST_CODE:
            raise ValueError(f"expected at most {LONGEST_CODE} characters of {name}")
    rest = {name: each for name, each in value.items() if name not in CODE}
    if len(json.dumps(rest)) > LONGEST_FACTS:
        raise ValueError(f"expected at most {LONGEST_FACTS} characters of JSON")
    return value


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST_FACTS:
        raise ValueError(f"expected at most {DEEPEST_FACTS} levels of nesting")
    if isinstance(value, str):
        plain(value)
    elif isinstance(value, int | float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise ValueError("expected numbers between -2^53 and 2^53, which JSON keeps exactly")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth + 1)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Upper = BeforeValidator(_upper)  # callers that are language models vary the case
Lower = BeforeValidator(_lower)

TaskType = Annotated[
    Literal[
        "backend", "frontend", "database", "testing", "documentation", "devops", "refactoring",
        "implementation", "other",
    ],
    Field(description="kind of task"),
    Lower,
]  # fmt: skip
MixinName = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(named)]
Project = Annotated[
    str,
    Field(max_length=200, description="stable project id; default: the host's project"),
    AfterValidator(plain),
]
