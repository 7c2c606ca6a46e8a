"""The ledger: every served prediction, scored when its outcome arrived.

Each answer is scored before the outcome is folded, beside the running constant (the rate, or the
median of the newest), which is what anybody could have said at that moment. Brier, G. W. (1950);
Dawid, A. P. (1984) for the prequential principle.
"""

from dataclasses import dataclass, field
from math import log
from statistics import median

from learners.numerics.scoring import SMALLEST, Kind

BINS = 10
NEWEST = 201  # values whose median is the running constant

Bounds = tuple[float, float]


@dataclass(slots=True)
class Account:
    """Sums of one version's answers: enough for means, a reliability table and coverage.

    Attributes:
        loss: Log loss of probabilities, absolute error of values.
        square: Squared error: of probabilities the Brier score.
        bins: Of probabilities: weight, said and happened, by tenths of what was said.
        bounded: Observations whose answer gave an interval; ``covered`` of them lay in it.
    """

    n: float = 0.0
    answered: float = 0.0
    loss: float = 0.0
    square: float = 0.0
    base_loss: float = 0.0
    base_square: float = 0.0
    bins: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0, 0.0] for _ in range(BINS)])
    bounded: float = 0.0
    covered: float = 0.0


@dataclass(slots=True)
class Ledger:
    """Accounts by version (0: nothing admitted yet), with the running constant."""

    kind: Kind = "probability"
    accounts: dict[int, Account] = field(default_factory=dict[int, Account])
    seen: float = 0.0
    good: float = 0.0
    newest: list[float] = field(default_factory=list[float])

    def base(self) -> float:
        """Return the share of good outcomes so far, smoothed by half an observation each way.

        Of values: the median of the newest, 0 before the first.
        """
        if self.kind == "value":
            return median(self.newest) if self.newest else 0.0
        return (self.good + 0.5) / (self.seen + 1)

    def score(
        self,
        version: int,
        said: float | None,
        y: float,
        weight: float,
        bounds: Bounds | None = None,
    ) -> None:
        """Enter an answer and what happened. ``None`` said nothing and is held to the constant."""
        account = self.accounts.setdefault(version, Account())
        base = self.base()
        shown = base if said is None else said
        account.n += weight
        account.loss += weight * self._loss(shown, y)
        account.square += weight * (shown - y) ** 2
        account.base_loss += weight * self._loss(base, y)
        account.base_square += weight * (base - y) ** 2
        if said is not None:
            account.answered += weight
            self._shape(account, said, y, weight, bounds)

    def _shape(
        self, account: Account, said: float, y: float, weight: float, bounds: Bounds | None
    ) -> None:
        if self.kind == "probability":
            cell = account.bins[min(int(said * BINS), BINS - 1)]
            for i, value in enumerate((1.0, said, y)):
                cell[i] += weight * value
        if bounds is not None:
            account.bounded += weight
            account.covered += weight * (bounds[0] <= y <= bounds[1])

    def _loss(self, said: float, y: float) -> float:
        return surprise(said, y) if self.kind == "probability" else abs(said - y)

    def count(self, y: float, weight: float) -> None:
        """Let what happened move the running constant."""
        self.seen += weight
        self.good += weight * y
        if self.kind == "value":
            self.newest = [*self.newest[-NEWEST + 1 :], y]


def surprise(p: float, y: float) -> float:
    """Return the log loss of one probability; y may be a share."""
    p = min(max(p, SMALLEST), 1 - SMALLEST)
    return -(y * log(p) + (1 - y) * log(1 - p))
