"""The tool that puts templates in order for a task."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from tools.answers import Advised, Part, Source, chance
from tools.arguments import Lower, Project, TaskType, named, plain
from tools.context import Call, Called

Task = Annotated[
    str,
    Field(min_length=1, max_length=8000, description="the task in words"),
    AfterValidator(plain),
]
Word = Annotated[str, Field(max_length=60), Lower, AfterValidator(plain)]
Language = Annotated[Word, Field(description="if it matters")]
Framework = Annotated[Word, Field(description="if it matters")]
Tags = Annotated[list[Word], Field(max_length=20, description="e.g. auth")]
TemplateName = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(named)]
Candidates = Annotated[
    list[TemplateName],
    Field(max_length=200, description="known templates; empty: all"),
]
Count = Annotated[int, Field(ge=1, le=20, description="how many")]


class RankedTemplate(Part):
    """One template."""

    name: str
    score: float = Field(description="ranked by this, higher first; no probability")
    probability: float | None = Field(
        description="that, once seen, it is taken and its result accepted as it is"
    )
    n: int = Field(description="times it was used, or seen and passed over")
    source: Source
    reasons: tuple[str, ...]

    def line(self, place: int) -> str:
        """Return every fact of the template in one line."""
        # those of the first are the answer's own
        because = f"; {'; '.join(self.reasons)}" if self.reasons and place > 1 else ""
        return (
            f"{place}. {self.name}: probability {chance(self.probability)}, score "
            f"{self.score:.3f}, n = {self.n}, {self.source}{because}"
        )


class RankingAnswer(Advised):
    """Templates, best first."""

    option: str | None = Field(description="what is recommended; null: nothing is")
    propensity: float | None = Field(description="chance with which it was put first")
    candidates: int = Field(description="how many were compared")
    templates: tuple[RankedTemplate, ...]

    def words(self) -> str:
        """Return every fact as a few lines."""
        first = "Nothing is recommended" if self.option is None else f"First {self.option}"
        chosen = "" if self.propensity is None else f", put there with chance {self.propensity:.3g}"
        head = f"{first}{chosen}, of {self.candidates} compared. {self.evidence()}"
        lines = [each.line(i) for i, each in enumerate(self.templates, 1)]
        return "\n".join([head, *lines, *self.remarks()])


async def rank_templates(
    task_description: Task,
    call: Called,
    task_type: TaskType = "other",
    language: Language = "",
    framework: Framework = "",
    tags: Tags = [],  # noqa: B006 - only read; the schema shows it
    candidates: Candidates = [],  # noqa: B006 - as above
    k: Count = 5,
    project: Project = "",
) -> RankingAnswer:
    """Puts code templates in order for a task, each with score, probability where enough was told,
    n and reasons. Afterwards tell record_feedback the decision_id and, as facts, the template
    really used."""  # noqa: D205, D209 - a model reads it
    # here, so that the first reply does not wait for the learners
    from learners.catalog.template_ranking import LEARNER
    from learners.codec import validated

    if not call.degraded:  # else the catalogue may not be loaded
        _check(call, candidates)
    caller = call.by(project)
    asked = {
        "task_description": task_description,
        "task_type": task_type,
        "language": language,
        "framework": framework,
        "tags": tags,
        "candidates": candidates,
        "k": k,
        "project": caller.project,
        "user": caller.user,
    }
    query = validated(call.lifecycle.live(LEARNER.name).learner.query, asked, "query")
    decision = call.lifecycle.ask(LEARNER, query, caller)
    advice = decision.advice.model_dump(mode="json")
    advice["warnings"] = [*call.warnings, *advice["warnings"]]
    return RankingAnswer(
        **advice,
        decision_id=decision.id,
        version=decision.version,
        degraded=decision.degraded or call.degraded,
    )


def _check(call: Call, candidates: Sequence[str]) -> None:
    """Refuse names of which nothing is known: most are misspelt."""
    from difflib import get_close_matches

    from learners.catalog.template_ranking import LEARNER, known
    from learners.errors import InvalidFacts
    from learners.wording import quoted

    live = call.lifecycle.live(LEARNER.name)
    names = dict.fromkeys(known(live.added, live.fold.memory))
    if not names:
        raise InvalidFacts(
            "candidates: no template is known yet; `foresight templates add` describes one, "
            "`foresight templates import` many"
        )
    for each in candidates:
        if each not in names:
            close = get_close_matches(each, names, 1)
            meant = f"; did you mean {quoted(close[0])}?" if close else ""
            raise InvalidFacts(
                f"candidates: no template {quoted(each)} is known{meant or ';'} "
                f"`foresight templates add` describes a new one; empty compares all {len(names)}"
            )
