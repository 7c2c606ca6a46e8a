"""Generated code among the facts: it is measured, and what it measures is told in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from learners.dividing import BESIDE_CODE, CODE, KEPT, MEASURED, takes_code
from learners.errors import InvalidFacts
from learners.measuring import measure
from learners.source_code import languages
from learners.telling import About, Tell

LONGEST: Final = 200_000  # characters
FILE, LANGUAGE = BESIDE_CODE


def named(tell: Tell) -> Tell:
    """Return an outcome whose code has the one name it is measured by.

    Raises:
        InvalidFacts: It is there under both names.
    """
    facts = tell.facts or {}
    if KEPT not in facts:
        return tell
    if CODE in facts:
        raise InvalidFacts(f"facts.{KEPT}: is another name of {CODE}; give one of the two")
    others = {name: value for name, value in facts.items() if name != KEPT}
    return replace(tell, facts={**others, CODE: facts[KEPT]})


async def measured(tell: Tell, about: Sequence[About], *, keep: bool) -> tuple[Tell, str]:
    """Return an outcome with what its code measures, and why it was not, or not all, measured.

    Args:
        tell: What happened.
        about: For whom it is; nobody: its decision has not landed.
        keep: Whether the code itself is told, too, to be stored.

    Raises:
        InvalidFacts: The code is no text, or too long.
    """
    facts = tell.facts or {}
    if CODE not in facts or (about and not any(takes_code(learner) for learner, _ in about)):
        return tell, ""
    code = facts[CODE]
    if not isinstance(code, str) or len(code) > LONGEST:
        raise InvalidFacts(f"facts.{CODE}: expected a text of at most {LONGEST} characters")
    gone = {CODE, FILE, LANGUAGE} if tell.decision_id else {CODE, FILE}
    rest = {name: value for name, value in facts.items() if name not in gone}
    file = _text(facts, FILE)
    found = await measure(code, _language(facts, file, about), file)
    if found.measures is not None:
        rest[MEASURED] = {**asdict(found.measures), "file_path": file}
        if keep:
            rest[KEPT] = code
    return replace(tell, facts=rest), found.reason


def _language(facts: Mapping[str, Any], file: str, about: Sequence[About]) -> str:
    """Return the language that is told; empty: the file's name says it; else what was asked."""
    told = _text(facts, LANGUAGE)
    if told or languages.find("", file):
        return told
    decided = (row["query"] for _, row in about if row and row["query"])
    asked: Mapping[str, Any] = next(decided, {})
    return _text(asked, LANGUAGE)


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name, "")
    if not isinstance(value, str):
        raise InvalidFacts(f"facts.{name}: expected a text")
    return value
