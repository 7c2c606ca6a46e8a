"""The one tool through which every learner is told what happened."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tools.answers import Answer
from tools.arguments import Lower, Project, facts, plain
from tools.context import Call, Called

STORED: Mapping[str, str] = {
    "fact": "stored as a new observation",
    "join": "stored, as the outcome of its decision",
    "correction": "stored in place of the earlier outcome",
    "waiting": "stored; its decision has not arrived yet",
    "weaker": "stored but not counted: a stronger source has spoken already",
    "duplicate": "was stored before; nothing changed",
    "superseded": "was stored before and has been corrected since; nothing changed",
}
FOLLOWED: Mapping[str, bool | None] = {"yes": True, "no": False, "unknown": None}


def _followed(value: Any) -> Any:
    said = {"true": "yes", "false": "no", "": "unknown", "none": "unknown"}
    text = str(value).strip().lower()
    return said.get(text, text)


Outcome = Annotated[
    Literal["success", "neutral", "failure", "pending"],
    Field(description="what happened; pending: finished, not judged yet"),
    Lower,
]
DecisionId = Annotated[
    str,
    Field(max_length=60, description="of the answer; '': only facts"),
    AfterValidator(plain),
]
Learner = Annotated[
    str,
    Field(
        max_length=60,
        description="who learns from facts; '': whom they fit",
    ),
    AfterValidator(plain),
]
Facts = Annotated[
    dict[str, Any],
    Field(
        description="what was really used (mixins, node_type, agent, model, ...), and details: "
        "conflict_reason; of a generation seconds, tokens, cost_usd, quality, code, file_path; of "
        "a ranking template, shown",
    ),
    AfterValidator(facts),
]
Followed = Annotated[
    Literal["unknown", "yes", "no"],
    Field(description="whether the advice was followed"),
    BeforeValidator(_followed),
]
Notes = Annotated[str, Field(max_length=2000, description="free text"), AfterValidator(plain)]
Key = Annotated[
    str,
    Field(max_length=200, description="one key is stored once"),
    AfterValidator(plain),
]
Corrects = Annotated[
    str,
    Field(max_length=200, description="key of an outcome this one replaces"),
    AfterValidator(plain),
]
By = Annotated[
    Literal["agent", "human", "test", "ci", "git", "hook", "import"],
    Field(description="who saw it; a person overrides an agent"),
    Lower,
]


class FeedbackAnswer(Answer):
    """What became of an outcome."""

    key: str = Field(description="repeat with it if in doubt; name it in corrects to replace it")
    effect: str
    stored: str = Field(description="the effect in words")
    joined: bool = Field(description="whether it met its decision")
    learners: tuple[str, ...] = Field(description="who learns from it")
    next: str

    def words(self) -> str:
        """Return every fact in a few lines."""
        who = ", ".join(self.learners) or "nobody yet"
        joined = "yes" if self.joined else "no"
        return (
            f"Outcome {self.stored} (effect {self.effect}, joined: {joined}). "
            f"Learns from it: {who}.\n"
            f"key {self.key}\n{self.next}"
        )


async def record_feedback(
    outcome: Outcome,
    call: Called,
    decision_id: DecisionId = "",
    learner: Learner = "",
    facts: Facts = {},  # noqa: B006 - only read; the schema shows the default
    followed: Followed = "unknown",
    notes: Notes = "",
    key: Key = "",
    corrects: Corrects = "",
    source: By = "agent",
    project: Project = "",
) -> FeedbackAnswer:
    """Stores what really happened after an answer (decision_id), or to plain facts (learner and
    facts); durable when it returns, and the next answer knows it. To see what was learned, use
    learning_status."""  # noqa: D205, D209 - a model reads it
    # here, so that the first reply does not wait for the learners
    from learners.telling import Tell

    if not corrects:  # else what is corrected says it
        _check_learner(call, learner, decision_id, facts)
    told = await call.lifecycle.tell(
        Tell(
            verdict=outcome,
            decision_id=decision_id,
            learner=learner,
            facts=facts or None,
            key=key,
            corrects=corrects,
            followed=FOLLOWED[followed],
            notes=notes,
            source=source,
        ),
        call.by(project),
    )
    return FeedbackAnswer(
        key=told.key,
        effect=told.effect,
        stored=STORED.get(told.effect, told.effect),
        joined=told.joined,
        learners=told.learners,
        next=_next(told.effect, told.remark),
    )


def _check_learner(call: Call, learner: str, decision_id: str, facts: Mapping[str, Any]) -> None:
    """Refuse a learner alone: it must be told of something."""
    from learners.errors import InvalidFacts

    if learner and not decision_id and not facts:
        fields = call.lifecycle.live(learner).learner.query.model_fields
        raise InvalidFacts(
            f"facts: expected what was really used ({', '.join(fields)}), or the decision_id of "
            "an answer instead"
        )


def _next(effect: str, remark: str) -> str:
    """Return what to do, after what could not be done."""
    return f"{remark[:1].upper()}{remark[1:]}. {_step(effect)}" if remark else _step(effect)


def _step(effect: str) -> str:
    if effect == "waiting":
        return (
            "It counts as soon as its decision arrives; nothing needs to be repeated. If the id is "
            "mistyped it will never count; check it."
        )
    if effect in ("duplicate", "superseded"):
        return "For another observation use another key; to change this one, name it in corrects."
    if effect == "weaker":
        return "If it is right all the same, tell it again with the source that observed it."
    return "Nothing more to do; to change it later, name this key in corrects."
