"""Descriptions of templates from files: CSV, a JSON list, or JSON lines."""

import re
from collections.abc import Mapping
from typing import Any

from learners.errors import InvalidFacts, WrongInput
from learners.wording import quoted
from server.importing import LABELS, records, text_of

__all__ = ["described", "read", "text_of"]


def read(text: str) -> list[dict[str, Any]]:
    """Return the templates of a text, checked.

    Raises:
        WrongInput: Naming the row and the field.
    """
    entries: dict[str, dict[str, Any]] = {}
    place = ""
    for place, record in records(text):
        try:
            entry = described(_given(record))
        except (InvalidFacts, WrongInput) as error:
            raise WrongInput(f"{place}: {error}. Nothing was imported.") from None
        if entry["name"] in entries:
            raise WrongInput(
                f"{place}: name: {quoted(entry['name'])} stands in the file before"
                ". Nothing was imported."
            )
        entries[entry["name"]] = entry
    if not place:
        raise WrongInput("expected rows with the column name, ...; got none")
    return list(entries.values())


def described(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description as it is kept in the catalogue.

    Raises:
        InvalidFacts: It does not describe a template; the text names the field.
    """
    from pydantic import ValidationError

    from learners.catalog.template_ranking import template
    from learners.wording import problems

    try:
        checked = template(given).model_dump(mode="json", include=set(given) - {"stems"})
    except InvalidFacts as error:
        if isinstance(error.__cause__, ValidationError):
            raise InvalidFacts("; ".join(problems(error.__cause__))) from None
        raise
    if "text" in given:  # which the template itself keeps as stems only
        checked["text"] = given["text"]
    return checked


def _given(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row that say something, as the fields take them."""
    said = {name: value for name, value in record.items() if value not in (None, "")}
    if isinstance(said.get("tags"), str):
        said["tags"] = [tag.strip() for tag in re.split("[,;]", said["tags"]) if tag.strip()]
    if isinstance(said.get("retired"), str):
        wanted = LABELS.get(said["retired"].strip().lower())
        if wanted is None:
            raise WrongInput(
                f"retired: expected one of {', '.join(LABELS)}; got {quoted(said['retired'])}"
            )
        said["retired"] = wanted
    return said
