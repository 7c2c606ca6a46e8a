"""What an outcome says of which template.

A list is read from its top: what stands above the template that was taken was seen and passed over,
what stands below was perhaps never looked at and says nothing (Craswell, N. et al. 2008, the
cascade model).
"""

from collections.abc import Mapping
from typing import Any

from learners.catalog._ranking.types import RankingOutcome, RankingQuery, Result, named
from learners.errors import InvalidFacts
from learners.learner import Label, Used


def labels(query: RankingQuery, outcome: RankingOutcome) -> tuple[Label, ...]:
    """Return one label for the template that was used, and one for each that was passed over."""
    taken = outcome.template or _only(named(query.candidates))
    if not taken:
        return ()
    passed = [Label(name, 0.0, 1.0) for name in passed_over(taken, outcome.shown)]
    return (*passed, Label(taken, float(outcome.result == "success"), 1.0))


def passed_over(taken: str, shown: tuple[str, ...]) -> tuple[str, ...]:
    """Return what stood above in the list; nothing where what was taken was not in it."""
    order = tuple(dict.fromkeys(shown))
    return order[: order.index(taken)] if taken in order else ()


def verdict(said: Result) -> RankingOutcome:
    """Return the outcome of a verdict, which does not yet say of what."""
    return RankingOutcome(result=said)


def used(
    query: Mapping[str, Any],
    outcome: Mapping[str, Any],
    answer: Mapping[str, Any] | None,
    followed: bool | None,
) -> Used:
    """Return an outcome with what the answer it is about says: what came first, from which list.

    Raises:
        InvalidFacts: Nothing says which template was used.
    """
    listed = [each["name"] for each in (answer or {}).get("templates") or ()]
    names = [c if isinstance(c, str) else c["name"] for c in query.get("candidates") or ()]
    recommended = (answer or {}).get("option") if followed is not False else None
    taken = outcome["template"] or recommended or ("" if answer else _only(names))
    if not taken:
        raise InvalidFacts(
            "facts.template: expected the name of the template that was really used; give it as "
            "template, and as shown the list it was chosen from"
        )
    return Used({**outcome, "template": taken, "shown": outcome["shown"] or listed}, taken)


def _only(names: tuple[str, ...] | list[str]) -> str:
    return names[0] if len(names) == 1 else ""
