"""What every rim says in the same words: what is wrong with a value, and how many there are."""

import re
from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from learners.redaction import redacted

LONGEST: Final = 60  # characters of what a caller sent that a message repeats
MOST: Final = 5  # fields that a message names
WORDS = tuple(
    (re.compile(said), better)
    for said, better in (
        (r"^Value error, ", ""),
        (r"^Field required$", "is missing"),
        (r"^Extra inputs are not permitted$", "is not a field"),
        (r"^(List|Tuple|Set|String|Dictionary|Data|Value) should have ", "expected "),
        (r" after validation, not ", ", got "),
        (r"Input should be ", "expected "),
        (r"^could not parse value and unit from byte string$", "expected a size such as 2GB"),
        (r", unable to (parse|interpret) .*$", ""),
        (r"a valid dictionary( or .*)?$", "an object"),
        (r"a valid tuple$", "a valid list"),
    )
)


def plain(message: str) -> str:
    """Return a message of pydantic in plain words."""
    for said, better in WORDS:
        message = said.sub(better, message)
    return message


def problems(
    error: ValidationError, within: Sequence[str] = (), unknown: str = "is not a field"
) -> list[str]:
    """Return what is wrong, one text per field, without echoing what was given.

    Args:
        error: What pydantic found.
        within: What the fields belong to; comes before their names.
        unknown: What is said of a field that there is not.
    """
    found = list[str]()
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    for each in wrong[:MOST]:
        what = unknown if each["type"] == "extra_forbidden" else plain(each["msg"])
        found.append(f"{'.'.join([*within, *map(named, each['loc'])])}: {what}")
    if len(wrong) > MOST:
        found.append(f"and {len(wrong) - MOST} more")
    return found


def named(field: str | int) -> str:
    """Return a field's name, which may be the caller's, as part of a line."""
    name = redacted(str(field)[: 4 * LONGEST])
    name = name if name.isprintable() else ascii(name)[1:-1]
    return _short(name)


def quoted(value: object) -> str:
    """Return what a caller sent as a message may repeat it: short, in one line, no secrets."""
    if isinstance(value, str):
        return repr(_short(redacted(value[: 4 * LONGEST])))
    return _short(redacted(repr(value)))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def count(n: float, one: str, many: str = "") -> str:
    """Return a number with its noun: "1 row", "2 rows"."""
    return f"{n:g} {one}" if n == 1 else f"{n:g} {many or one + 's'}"
