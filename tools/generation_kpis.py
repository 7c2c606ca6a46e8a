"""The verb that shows what became of generations, week by week (002-97 ... 002-103)."""

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from tools.answers import Answer, Part, listed
from tools.arguments import Project
from tools.context import Called
from tools.sparklines import sparkline

MOST = 520
Weeks = Annotated[int, Field(ge=1, le=MOST, description="how many, the present one among them")]
SHOWN = (
    ("generations", "generations asked about", "{:.0f}"),
    ("told", "share with anything told", "{:.0%}"),
    ("judged", "share judged", "{:.0%}"),
    ("unmodified", "accepted unmodified", "{:.0%}"),
    ("quality", "mean quality of 10", "{:.2f}"),
    ("regenerations", "mean regenerations", "{:.2f}"),
    ("cost_usd", "mean cost in USD", "{:.4f}"),
    ("seconds_to_approval", "seconds to approval, median", "{:.0f}"),
    ("accuracy", "predictions that came true", "{:.0%}"),
    ("loss", "log loss of predictions", "{:.3f}"),
    ("base_loss", "log loss of the rate so far", "{:.3f}"),
    ("runs", "training runs", "{:.0f}"),
)


class Week(Part):
    """Generations that were asked about in one week; null is: nothing known."""

    week: str = Field(description="its Monday")
    generations: int
    told: float | None = Field(description="share of which anything was told")
    judged: float | None = Field(description="share that was judged")
    unmodified: float | None = Field(description="share of those judged accepted unmodified")
    quality: float | None
    regenerations: float | None
    cost_usd: float | None
    seconds_to_approval: float | None = Field(description="median")
    predicted: int = Field(description="judged ones whose success was predicted")
    accuracy: float | None
    loss: float | None = Field(description="log loss of these predictions")
    base_loss: float | None = Field(description="of the share accepted until then")
    runs: int = Field(description="training runs that looked at the evidence")


class KpiAnswer(Answer):
    """Figures by week, the present one last."""

    weeks: tuple[Week, ...]
    targets: dict[str, float] = Field(description="what the specification aims at")
    degraded: bool
    warnings: tuple[str, ...]

    def words(self) -> str:
        """Return a picture of each figure with its last value."""
        first, last = self.weeks[0].week, self.weeks[-1].week
        head = f"Weeks from {first} to {last}, which is under way; the last known value beside:"
        lines = [self._line(*each) for each in SHOWN]
        return "\n".join([head, *lines, *listed("Warning", self.warnings)])

    def _line(self, name: str, label: str, form: str) -> str:
        values: list[float | None] = [getattr(week, name) for week in self.weeks]
        last = next((value for value in reversed(values) if value is not None), None)
        shown = "unknown" if last is None else form.format(last)
        aim = self.targets.get(name)
        target = "" if aim is None else f" (target {form.format(aim)})"
        return f"  {label:<28} {sparkline(values)} {shown}{target}"


async def generation_kpis(call: Called, weeks: Weeks = 12, project: Project = "") -> KpiAnswer:
    """Shows by week how many generations were accepted unmodified, how good and how dear they were,
    and how well that was predicted; of one project, or of all."""  # noqa: D205, D209 - as above
    from learners.figures import TARGETS, weekly

    found = await weekly(call.lifecycle, weeks, project or None)
    return KpiAnswer(
        weeks=tuple(Week(**asdict(each)) for each in found),
        targets=dict(TARGETS),
        degraded=call.degraded,
        warnings=call.warnings,
    )
