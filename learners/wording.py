"""What every rim says in the same words: what is wrong with a value, and how many there are."""

import re
from collections.abc import Sequence

from pydantic import ValidationError

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
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        what = unknown if each["type"] == "extra_forbidden" else plain(each["msg"])
        found.append(f"{'.'.join([*within, *map(str, each['loc'])])}: {what}")
    return found


def count(n: float, one: str, many: str = "") -> str:
    """Return a number with its noun: "1 row", "2 rows"."""
    return f"{n:g} {one}" if n == 1 else f"{n:g} {many or one + 's'}"
