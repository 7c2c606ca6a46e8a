"""What an outcome says to each learner: a word, and the facts that are fields of its own.

The facts of a decision of several learners are divided by the names of their fields. Pure: no
database, no clock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Literal, TypeAlias

from learners.codec import validated
from learners.errors import InvalidFacts, SaysNothing, UnknownLearner
from learners.learner import AnyLearner
from learners.wording import named

Facts: TypeAlias = Mapping[str, Any]
Word: TypeAlias = Literal["success", "neutral", "failure", "pending"]

PENDING: Final = "pending"  # finished, and nobody has judged it yet
VERDICTS: Final = "success, neutral or failure"
CODE: Final = "code"  # is measured, and what it measures is told
BESIDE_CODE: Final = ("file_path", "language")
MEASURED: Final = "measured"
KEPT: Final = "generated_code"


def takes_code(learner: AnyLearner) -> bool:
    """Return whether a learner is told what generated code measures."""
    return MEASURED in learner.outcome.model_fields


def fields(learners: Iterable[AnyLearner]) -> frozenset[str]:
    """Return the fields of the learners' outcomes."""
    return frozenset(name for learner in learners for name in learner.outcome.model_fields)


def asked(learner: AnyLearner, facts: Facts, told: Collection[str] = ()) -> dict[str, Any]:
    """Return the facts that are fields of a learner's query, or that nobody knows.

    Args:
        told: Fields of the outcomes of all to whom the facts are told.
    """
    query, outcome = learner.query.model_fields, learner.outcome.model_fields
    return {
        name: value
        for name, value in facts.items()
        if name in query or not (name in outcome or name in told)
    }


def own(learner: AnyLearner, facts: Facts) -> dict[str, Any]:
    """Return the facts that are fields of a learner's outcome, and say anything."""
    query, outcome = learner.query.model_fields, learner.outcome.model_fields
    return {
        name: value
        for name, value in facts.items()
        if name in outcome and name not in query and not (learner.steps and value is None)
    }


def check(learners: Sequence[AnyLearner], word: Word, facts: Facts, *, decided: bool) -> None:
    """Refuse a word that nobody of these knows, and facts that are nobody's.

    Args:
        decided: It is known what was asked; the facts say what was really used, and what happened.

    Raises:
        InvalidFacts: Naming what is accepted.
    """
    if word == PENDING and not any(learner.steps for learner in learners):
        raise InvalidFacts(
            f"outcome: pending is for what is judged later, such as a generation; "
            f"{' and '.join(learner.name for learner in learners)} learns from {VERDICTS}"
        )
    if len(learners) == 1 and not learners[0].steps:
        return  # its own types say what is wrong
    known = fields(learners).union(*(learner.query.model_fields for learner in learners))
    for name in facts:
        if name not in known:
            accepted = ", ".join(dict.fromkeys(_accepted(learners, decided=decided)))
            raise InvalidFacts(f"facts.{named(name)}: is not a field. Accepted: {accepted}.")


def _accepted(learners: Sequence[AnyLearner], *, decided: bool) -> Iterable[str]:
    for learner in learners:
        yield from learner.settings if decided else learner.query.model_fields
    for learner in learners:
        yield from _told(learner)


def _told(learner: AnyLearner) -> Iterable[str]:
    """Yield what a learner can be told; code stands for what is made of it."""
    yield from (name for name in learner.outcome.model_fields if name != KEPT)
    if takes_code(learner):
        yield f"{CODE} (with {', '.join(BESIDE_CODE)})"


def said(learner: AnyLearner, word: Word, facts: Facts) -> dict[str, Any] | None:
    """Return the outcome that a word and facts are for a learner; None where they say nothing.

    Of an outcome in steps these are only the fields that were told.

    Raises:
        InvalidFacts: They do not fit, or contradict one another.
    """
    if word == PENDING and not learner.steps:
        return None
    given = own(learner, facts)
    verdict = None if word == PENDING else learner.verdict(word)
    if not given and (verdict is None or not learner.concerns(verdict)):
        return None
    judged = {} if verdict is None else verdict.model_dump(mode="json", exclude_unset=learner.steps)
    if learner.steps:
        _check_agreement(learner, word, given, judged)
    valid = validated(learner.outcome, {**judged, **given}, "facts")
    value: dict[str, Any] = valid.model_dump(mode="json", exclude_unset=learner.steps)
    return value


def _check_agreement(learner: AnyLearner, word: Word, given: Facts, judged: Facts) -> None:
    """Refuse facts that belong to a verdict which is not given, or contradict the one that is."""
    first = next(iter(given), "")
    if word == PENDING and first and learner.verdict("success") is not None:
        raise InvalidFacts(
            f"facts.{first}: is told once it is judged, with outcome {VERDICTS}; pending says that "
            "nobody has judged it yet"
        )
    for name, value in given.items():
        if name in judged and value != judged[name]:
            raise InvalidFacts(f"facts.{name}: contradicts outcome {word}; leave it out")


def nothing(learners: Sequence[AnyLearner], word: Word, remark: str = "") -> SaysNothing:
    """Return the error of an outcome that says nothing to anybody."""
    could = [
        name
        for learner in learners
        if word != PENDING or learner.verdict("success") is None
        for name in _told(learner)
    ]
    why = f"{remark}; " if remark else ""
    return SaysNothing(
        f"facts: {why}outcome {word} alone says nothing to "
        f"{' and '.join(learner.name for learner in learners)}; "
        f"give some of {', '.join(could)}"
    )


def meant(learners: Sequence[AnyLearner], word: Word, facts: Facts) -> list[AnyLearner]:
    """Return those whom facts without a decision are about: who asks of the same and knows most.

    What nobody has judged is about learners that are told in steps, where they know any of it.

    Raises:
        UnknownLearner: It could be several.
    """
    by_query = groupby(
        sorted(learners, key=lambda each: id(each.query)), key=lambda each: each.query
    )
    groups = [list(group) for _, group in by_query]
    known = [
        len(_known(group).intersection(facts)) + (word == PENDING and group[0].steps) / 2
        for group in groups
    ]
    best = [group for group, n in zip(groups, known, strict=True) if n == max(known)]
    if len(best) != 1:
        names = ", ".join(learner.name for learner in learners)
        raise UnknownLearner(
            f"learner: these facts could be about several; expected one of {names}"
        )
    return sorted(best[0], key=lambda each: each.name)


def _known(learners: Sequence[AnyLearner]) -> frozenset[str]:
    queries = (learner.query.model_fields for learner in learners)
    code = (CODE,) if any(map(takes_code, learners)) else ()
    return fields(learners).union(code, *queries)
