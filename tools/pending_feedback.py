"""The verb that lists answers without an outcome, the most telling first (002-105)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from learners.wording import count
from tools.answers import Answer, Part
from tools.arguments import Project
from tools.context import Called

MOST = 100
Limit = Annotated[int, Field(ge=1, le=MOST, description="how many to list")]
Everywhere = Annotated[bool, Field(description="of every project")]


class Waiting(Part):
    """One answer without an outcome."""

    decision_id: str
    learner: str
    asked: str
    project: str
    about: dict[str, Any] = Field(description="what was asked, as far as it is stored")
    information: float = Field(description="what its outcome would teach, in bits")

    def line(self) -> str:
        """Return every fact in one line."""
        said = ", ".join(f"{name} {value}" for name, value in self.about.items())
        where = f" in {self.project}" if self.project else ""
        return (
            f"  {self.decision_id} ({self.learner}, {self.information:.3f} bit): asked {self.asked}"
            f"{where}: {said or 'nothing said'}"
        )


class PendingAnswer(Answer):
    """What nobody has judged yet."""

    unanswered: tuple[Waiting, ...]
    total: int = Field(description="of them in all")
    days: int = Field(description="how far back was looked")
    next: str

    def words(self) -> str:
        """Return every fact as lines."""
        head = f"{count(self.total, 'answer')} of the last {self.days} days without an outcome"
        shown = f", the {len(self.unanswered)} whose outcome would teach most:"
        lines = [each.line() for each in self.unanswered]
        return "\n".join([head + (shown if lines else "."), *lines, self.next])


async def pending_feedback(
    call: Called, limit: Limit = 20, project: Project = "", everywhere: Everywhere = False
) -> PendingAnswer:
    """Lists answers about which nothing was told yet, those first whose outcome would teach
    most."""  # noqa: D205, D209 - as those of the tools
    from learners.pending import PATIENCE, pending

    where = None if everywhere else call.by(project).project
    found, total = await pending(call.lifecycle, where)
    return PendingAnswer(
        unanswered=tuple(
            Waiting(
                decision_id=each.decision_id,
                learner=each.learner,
                asked=datetime.fromtimestamp(each.asked, UTC).isoformat(timespec="seconds"),
                project=each.project,
                about=dict(each.about),
                information=each.information,
            )
            for each in found[:limit]
        ),
        total=total,
        days=PATIENCE.days,
        next="Tell what came of one to record_feedback, with its decision_id."
        if found
        else "Nothing to tell.",
    )
