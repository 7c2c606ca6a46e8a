"""What callers tell, made into rows of the log. Pure: no database, no clock."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from learners import dividing
from learners.codec import validated
from learners.dividing import Word
from learners.errors import Conflict, InvalidFacts, LearnerError, NotStored, WrongInput
from learners.learner import AnyLearner
from learners.serving import Caller
from learners.wording import quoted
from storage.rows import EventRow, Stored

About: TypeAlias = tuple[AnyLearner, Mapping[str, Any] | None]  # a learner, and its decision

# How far each source is to be believed: a later word of an equal or stronger one corrects.
STRENGTH: Mapping[str, float] = {
    "human": 1.0,
    "ci": 0.9,
    "test": 0.9,
    "git": 0.8,
    "import": 0.7,
    "hook": 0.7,
    "agent": 0.6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """What happened, about a decision, about plain facts, or about both.

    Attributes:
        decision_id: Of the answer it is about.
        learner: Of facts, who learns from them, where they do not say it themselves; with a
            decision id it narrows to one learner.
        facts: Fields of the learner's query, and of its outcome beyond the verdict.
        verdict: What happened, in three classes; or that nobody has judged it yet.
        key: The same key is stored once; empty: one is made.
        corrects: Key of an earlier outcome that this one replaces.
        known: When it became known, in seconds since 1970; None is now.
        asked: When the question was asked, for facts without a decision; None is unknown.
        label: A hand-made label rather than something observed.
    """

    verdict: Word
    decision_id: str = ""
    learner: str = ""
    facts: Mapping[str, Any] | None = None
    key: str = ""
    corrects: str = ""
    followed: bool | None = None
    notes: str = ""
    source: str = "agent"
    group: str = ""
    known: float | None = None
    asked: float | None = None


def rows(
    tell: Tell,
    about: Sequence[About],
    caller: Caller,
    at: float,
    *,
    remark: str = "",
) -> list[EventRow]:
    """Return one row for each learner that an outcome says something to.

    Args:
        tell: What happened.
        about: To whom it may say something, each with its decision where there is one.
        caller: Who tells it.
        at: Now.
        remark: What the caller should know where nothing is left to be stored.

    Raises:
        InvalidFacts: The facts do not fit, or say nothing to anybody.
    """
    learners, facts = [learner for learner, _ in about], tell.facts or {}
    decided = all(decision and decision["query"] is not None for _, decision in about)
    dividing.check(learners, tell.verdict, facts, decided=decided)
    told = dividing.fields(learners)
    tell = replace(tell, key=tell.key or _key(tell))
    found = list[EventRow]()
    for learner, decision in about:
        outcome = dividing.said(learner, tell.verdict, facts)
        if outcome is not None:
            asked = dividing.asked(learner, facts, told)
            query, used = _query(learner, asked, caller, decision)
            row = _row(tell, learner, caller, at, decision, query, outcome)
            found.append(replace(row, used=used))
    if not found:
        raise dividing.nothing(learners, tell.verdict, remark)
    return found


def _query(
    learner: AnyLearner,
    facts: dict[str, Any],
    caller: Caller,
    decision: Mapping[str, Any] | None,
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """Return what was asked, or else what the facts say it was; and settings that were used."""
    fields = learner.query.model_fields
    if decision and decision["query"] is not None:
        return decision["query"], _used(learner, decision["query"], facts)
    if not facts:
        why = f"this decision of {learner.name} was a choice; " if decision else ""
        raise InvalidFacts(
            f"facts: {why}say what was really used, with the fields {', '.join(fields)}"
        )
    if "project" in fields:
        facts.setdefault("project", caller.project)
    if "user" in fields:  # whose row it is, so that forgetting a person finds it
        facts["user"] = caller.user
    query: dict[str, Any] = validated(learner.query, facts, "facts").model_dump(mode="json")
    return query, None


def _used(
    learner: AnyLearner, asked: Mapping[str, Any], facts: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the settings that were really used, as far as the facts say so."""
    if not facts:
        return None
    said = validated(learner.query, {**asked, **facts}, "facts").model_dump(mode="json")
    return {name: said[name] for name in learner.settings if name in facts} or None


def _row(
    tell: Tell,
    learner: AnyLearner,
    caller: Caller,
    at: float,
    decision: Mapping[str, Any] | None,
    query: Mapping[str, Any],
    outcome: Mapping[str, Any],
) -> EventRow:
    recommended = decision["option"] if decision else None
    option, propensity = recommended, decision["propensity"] if decision else None
    if learner.used is not None:
        answer = decision["answer"] if decision else None
        outcome, option = learner.used(query, outcome, answer, tell.followed)
        propensity = propensity if option == recommended else None
    return EventRow(
        learner=learner.name,
        key=tell.key,
        outcome=outcome,
        adds=learner.steps,
        query=query,
        decision_id=tell.decision_id or None,
        joined=decision is not None,
        corrects=tell.corrects,
        source=tell.source,
        strength=STRENGTH[tell.source],
        followed=tell.followed,
        notes=tell.notes,
        sample_group=tell.group,
        known=at if tell.known is None else tell.known,
        asked=decision["asked"] if decision else tell.asked,
        memory_seq=decision["memory_seq"] if decision else None,
        option=option,
        propensity=propensity,
        project=(decision["project"] if decision else "") or caller.project,
        user_id=caller.user,
        session=(decision["session"] if decision else "") or caller.session,
    )


def refusal(row: EventRow, result: Stored) -> LearnerError | None:
    """Return why a row was not stored."""
    if result.effect == "conflict":
        return Conflict(
            f"key: {quoted(row.key)} is stored already with another outcome; "
            "use another key, and name this one in corrects to replace it"
        )
    if result.effect == "nothing":
        return WrongInput(
            f"corrects: expected the key of a stored outcome of {row.learner}, "
            f"got {quoted(row.corrects)}"
        )
    if result.effect == "forgotten":
        return NotStored(
            "not stored: what it is about was forgotten at this moment; repeat the call "
            "to have it stored anew"
        )
    return None


def waiting(tell: Tell, caller: Caller, at: float) -> EventRow:
    """Return the row of an outcome whose decision has not landed."""
    value = {"verdict": tell.verdict, "facts": dict(tell.facts or {}), "learner": tell.learner}
    return EventRow(
        learner="*",
        key=tell.key or _key(tell),
        outcome=value,
        decision_id=tell.decision_id,
        source=tell.source,
        strength=STRENGTH[tell.source],
        followed=tell.followed,
        notes=tell.notes,
        sample_group=tell.group,
        known=at if tell.known is None else tell.known,
        project=caller.project,
        user_id=caller.user,
        session=caller.session,
    )


def arrived(row: Mapping[str, Any]) -> tuple[Tell, Caller]:
    """Return a waiting row as it was told."""
    value = row["outcome"]
    tell = Tell(
        verdict=value["verdict"],
        learner=value["learner"],
        facts=value["facts"] or None,
        decision_id=str(row["decision_id"]),
        key=row["key"],
        followed=row["followed"],
        notes=row["notes"],
        source=row["source"],
        known=row["known"],
    )
    return tell, Caller(project=row["project"], user=row["user_id"], session=row["session"])


def _key(tell: Tell) -> str:
    """One outcome per decision and source needs no key; facts are each their own."""
    if not tell.decision_id:
        return uuid.uuid4().hex
    said = json.dumps([tell.source, tell.verdict, tell.facts], sort_keys=True)
    return f"{tell.decision_id}:{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def decision_id(text: str) -> str:
    """Return a decision id in its canonical form.

    Raises:
        InvalidFacts: It is not a UUID.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidFacts(
            f"decision_id: expected the id of an answer (a UUID), got {quoted(text)}; "
            "leave it out and give facts when there is none"
        ) from None
