"""What callers tell, made into rows of the log. Pure: no database, no clock."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from learners.codec import validated
from learners.errors import InvalidFacts
from learners.learner import AnyLearner
from learners.redaction import StoreText, redacted, stored
from learners.serving import Caller
from learners.wording import quoted
from storage.rows import DecisionRow, EventRow

Verdict = Literal["success", "neutral", "failure"]

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
        learner: Needed with facts; with a decision id it narrows to one learner.
        facts: Fields of the learner's query, and of its outcome beyond the verdict.
        verdict: What happened, in three classes.
        key: The same key is stored once; empty: one is made.
        corrects: Key of an earlier outcome that this one replaces.
        known: When it became known, in seconds since 1970; None is now.
        asked: When the question was asked, for facts without a decision; None is unknown.
        label: A hand-made label rather than something observed.
    """

    verdict: Verdict
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


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts, divided into what was asked about and what they add to the outcome."""

    query: dict[str, Any]
    outcome: dict[str, Any]


def divide(learner: AnyLearner, facts: Mapping[str, Any], caller: Caller) -> Facts:
    """Return validated facts of a learner.

    Raises:
        InvalidFacts: A field is unknown, missing or wrong; the text names it.
    """
    asked, beside = learner.query.model_fields, learner.outcome.model_fields
    query = {name: value for name, value in facts.items() if name in asked or name not in beside}
    extra = {name: value for name, value in facts.items() if name not in query}
    if "project" in asked:
        query.setdefault("project", caller.project)
    if "user" in asked:  # whose row it is, so that forgetting a person finds it
        query["user"] = caller.user
    valid = validated(learner.query, query, "facts")
    return Facts(valid.model_dump(mode="json"), extra)


def outcome(learner: AnyLearner, verdict: Verdict, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the learner's outcome for a verdict, with what the facts add.

    Raises:
        InvalidFacts: What they add does not fit.
    """
    said = learner.verdict(verdict)
    value = {**(said.model_dump(mode="json") if said is not None else {}), **extra}
    valid: dict[str, Any] = validated(learner.outcome, value, "facts").model_dump(mode="json")
    return valid


def row(
    tell: Tell,
    learner: AnyLearner,
    caller: Caller,
    at: float,
    decision: Mapping[str, Any] | None,
) -> EventRow:
    """Return the row of one learner, joined to its decision where there is one.

    Raises:
        InvalidFacts: The decision alone does not say what was used, and no facts do.
    """
    told = tell.facts or {}
    says = set(told) - set(learner.outcome.model_fields)
    facts = divide(learner, told, caller) if says or decision is None else None
    extra = facts.outcome if facts else dict(told)
    query = decision["query"] if decision and decision["query"] is not None else None
    if query is None:
        if facts is None:
            raise InvalidFacts(
                f"facts: this decision of {learner.name} was a choice; say what was really used, "
                f"with the fields {', '.join(learner.query.model_fields)}"
            )
        query = facts.query
    value: Mapping[str, Any] = outcome(learner, tell.verdict, extra)
    recommended = decision["option"] if decision else None
    option, propensity = recommended, decision["propensity"] if decision else None
    if learner.used is not None:
        answer = decision["answer"] if decision else None
        value, option = learner.used(query, value, answer, tell.followed)
        propensity = propensity if option == recommended else None
    return EventRow(
        learner=learner.name,
        key=tell.key or _key(tell),
        outcome=value,
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


def kept_query(learner: AnyLearner, row: DecisionRow, mode: StoreText) -> DecisionRow:
    """Return a decision with only the part of its query's free texts that may be stored."""
    return replace(row, query=_query(learner, row.query, mode))


def _query(
    learner: AnyLearner | None, query: Mapping[str, Any] | None, mode: StoreText
) -> Mapping[str, Any] | None:
    if query is None or learner is None or not learner.texts:
        return query
    return {**query, **{name: _texts(query[name], mode) for name in learner.texts if name in query}}


def kept(row: EventRow, mode: StoreText, learner: AnyLearner | None = None) -> EventRow:
    """Return a row with only the part of its texts that may be stored."""
    value = dict(row.outcome)
    if row.learner == "*":  # the facts are still needed: names and all, but no secrets
        value["facts"] = _texts(value["facts"], "redacted")
    else:
        named = {
            name: _texts(value[name], "redacted")
            for name in (learner.names if learner else ())
            if name in value
        }
        value = {**_texts(value, mode), **named}
    query = _query(learner, row.query, mode)
    return replace(row, notes=stored(row.notes, mode), outcome=value, query=query)


def _texts(value: Any, mode: StoreText) -> Any:
    """Return a value with only the part of its texts that may be stored, however deep."""
    if isinstance(value, str):
        return stored(value, mode)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return {redacted(name): _texts(each, mode) for name, each in pairs}
    if isinstance(value, list | tuple):
        return [_texts(each, mode) for each in cast("Sequence[Any]", value)]
    return value


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
