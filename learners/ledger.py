"""The ledger: every served probability, scored when its outcome arrived.

Each answer is scored before the outcome is folded, beside the running base rate, which is what
anybody could have said at that moment. Brier, G. W. (1950); Dawid, A. P. (1984) for the
prequential principle.
"""

from dataclasses import dataclass, field
from math import log

from learners.numerics.scoring import SMALLEST

BINS = 10


@dataclass(slots=True)
class Account:
    """Sums of one version's answers: enough for means and a reliability table."""

    n: float = 0.0
    answered: float = 0.0
    log_loss: float = 0.0
    brier: float = 0.0
    base_log_loss: float = 0.0
    base_brier: float = 0.0
    bins: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0, 0.0] for _ in range(BINS)])


@dataclass(slots=True)
class Ledger:
    """Accounts by version (0: nothing admitted yet), with the running base rate."""

    accounts: dict[int, Account] = field(default_factory=dict[int, Account])
    seen: float = 0.0
    good: float = 0.0

    def base_rate(self) -> float:
        """Return the share of good outcomes so far, smoothed by half an observation each way."""
        return (self.good + 0.5) / (self.seen + 1)

    def score(self, version: int, p: float | None, y: float, weight: float) -> None:
        """Enter an answer and what happened. ``None`` said nothing and is held to the base rate."""
        account = self.accounts.setdefault(version, Account())
        base = self.base_rate()
        said = base if p is None else p
        account.n += weight
        account.log_loss += weight * surprise(said, y)
        account.brier += weight * (said - y) ** 2
        account.base_log_loss += weight * surprise(base, y)
        account.base_brier += weight * (base - y) ** 2
        if p is not None:
            account.answered += weight
            cell = account.bins[min(int(p * BINS), BINS - 1)]
            for i, value in enumerate((1.0, p, y)):
                cell[i] += weight * value

    def count(self, y: float, weight: float) -> None:
        """Let what happened move the running base rate."""
        self.seen += weight
        self.good += weight * y


def surprise(p: float, y: float) -> float:
    """Return the log loss of one probability; y may be a share."""
    p = min(max(p, SMALLEST), 1 - SMALLEST)
    return -(y * log(p) + (1 - y) * log(1 - p))
