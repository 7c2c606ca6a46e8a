"""The figures of the fault tests, added up over a session."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Tally:
    """What was tried and what came of it."""

    faults: int = 0
    skipped: list[str] = field(default_factory=list[str])
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    refused: int = 0
    asked: int = 0
    degraded: int = 0
    orphans: int = 0
    slowest_ask: float = 0.0
    slowest_exit: float = 0.0
    slowest_empty: float = 0.0
    usual_start: float = 0.0
    slowest_start: float = 0.0

    def lines(self) -> list[str]:
        """Return the figures in words."""
        lines = [
            f"faults tried: {self.faults}; outcomes acknowledged: {self.acknowledged}, "
            f"lost: {self.lost}, duplicated: {self.duplicated}; told again after an error: "
            f"{self.refused}",
            f"asks answered: {self.asked}, of them degraded: {self.degraded}, slowest "
            f"{self.slowest_ask:.2f} s",
            f"orphans: {self.orphans}; all gone after the last client: within "
            f"{self.slowest_empty:.2f} s; slowest exit {self.slowest_exit:.2f} s; slowest next "
            f"start {self.slowest_start:.2f} s (usual {self.usual_start:.2f} s)",
        ]
        return lines + [f"skipped: {each}" for each in self.skipped]

    def write(self, path: Path) -> None:
        """Write the figures as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")


TALLY = Tally()
