"""One installation under load: disturb it, then look whether everything it promised holds."""

import random  # noqa: TID251 - each scene has its own, seeded
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from premises import LEARNER, Premises, ask_sql, until
from served import SCRIPT
from tally import TALLY
from traffic import Book, Host

from storage.embedded import Lease, attach

AFTERWARDS = 5  # outcomes that each host must get stored after the fault
RECOVERY = 90.0  # seconds within which they must
LEASE = 30.0  # seconds: learners.worker.Options.lease


@dataclass
class Scene:
    """Servers, a worker and the book of what was told."""

    premises: Premises
    seed: int
    env: Mapping[str, str]
    before: int = 0  # outcomes in the template
    cluster: Path | None = None  # of an external database
    book: Book = field(default_factory=Book)
    hosts: list[Host] = field(default_factory=list[Host])
    worker: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Draw the moments from the seed."""
        self.rng = random.Random(self.seed)
        self._number = 0

    def __enter__(self) -> "Scene":
        """Return the scene."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """See to it that nothing is left."""
        for host in self.hosts:
            host.close()
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()

    # before

    @property
    def database(self) -> Path:
        """The directory of the cluster that has the outcomes."""
        return self.cluster or self.premises.cluster

    def start(self, tells: Sequence[bool]) -> float:
        """Start hosts that tell and ask, or only ask; return the seconds until the first worked."""
        started = [self._host(tells=each) for each in tells]
        took = [host.ready() for host in started]
        for host in started:
            host.work()
        return took[0] if took else 0.0

    def _host(self, *, tells: bool) -> Host:
        self._number += 1
        where = self.premises.root / "hosts" / str(self._number)
        host = Host(self.env, where, self.book, self.seed * 100 + self._number, tells=tells)
        self.hosts.append(host)
        return host

    def open(self, tellers: int = 2, *, asker: bool = False, worker: bool = False) -> None:
        """Start hosts that tell and ask, if wanted one that only asks, and a worker."""
        if worker:
            self.start_worker()
        started = self.start([True] * tellers + [False] * asker)
        TALLY.usual_start = max(TALLY.usual_start, started)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a process that trains."""
        log = (self.premises.root / "worker.txt").open("ab")
        with log:
            self.worker = subprocess.Popen(
                [str(SCRIPT), "worker"], env=dict(self.env), stdin=subprocess.DEVNULL, stderr=log
            )
        return self.worker

    def training(self) -> int:
        """Ask for a run and wait until its process works; return that process's id."""
        self.request()
        until(self.trainers, 60, "a training was under way")
        return self.trainers()[0]

    def request(self) -> None:
        """Ask for a training run."""
        with attach(self.database) as lease:
            ask_sql(
                lease,
                "update learners set requested = requested + 1, reason = 'test', manual = true, "
                "run_after = now(), attempt = 0",
            )

    def trainers(self) -> list[int]:
        """Return the training processes."""
        return self.premises.named("learners.trainer")

    def moment(self, most: int = 40) -> None:
        """Wait for a random moment under load."""
        number = len(self.book.acknowledged) + self.rng.randint(1, most)
        until(lambda: len(self.book.acknowledged) >= number, 60, f"{number} outcomes were told")

    # afterwards

    def living(self) -> list[Host]:
        """Return the hosts whose server runs."""
        return [host for host in self.hosts if host.alive]

    def go_on(self) -> None:
        """Replace hosts whose servers ended; wait until each has had outcomes stored again."""
        TALLY.faults += 1
        gone = [host for host in self.hosts if not host.alive]
        for host in gone:
            host.rest()
            host.close()
            self.hosts.remove(host)
        started = self.start([host.tells for host in gone])
        TALLY.slowest_start = max(TALLY.slowest_start, started)
        for host in self.hosts:
            self._stores_again(host)
        until(lambda: not self.book.unsure, RECOVERY, "what was refused was told again")

    def _stores_again(self, host: Host) -> None:
        goal = host.told + AFTERWARDS
        until(
            lambda: host.told >= goal or not host.tells or host.failure or not host.alive,
            RECOVERY,
            "outcomes were stored again",
        )
        assert host.alive, host.wire.said()[-2000:]

    def close(self) -> None:
        """Let everybody leave in order, and check what they leave behind."""
        for host in self.hosts:
            host.rest()
        for host in self.living():
            self.left(host.exits(host.hang_up))
        if self.worker is not None and self.worker.poll() is None:
            self.left(self.timed(self.worker.terminate, self.worker))
        self.check_nobody()

    def timed(self, leave: Callable[[], None], process: subprocess.Popen[bytes]) -> float:
        """Do what ends a process; return the seconds until it has ended."""
        start = time.monotonic()
        leave()
        assert process.wait(60) == 0
        return time.monotonic() - start

    def left(self, seconds: float) -> None:
        """Check how long an orderly end took."""
        TALLY.slowest_exit = max(TALLY.slowest_exit, seconds)
        assert seconds < 5, f"the server took {seconds:.1f} s to leave; 2 s are promised"

    def check_nobody(self) -> None:
        """Check that nobody is alive soon after the last client."""
        try:
            TALLY.slowest_empty = max(TALLY.slowest_empty, self.premises.emptied())
        except AssertionError:
            TALLY.orphans += len(self.premises.alive())
            raise

    def check_no_litter(self) -> None:
        """Check that what a killed training left was deleted by the next."""
        assert not (left := self.premises.litter()), f"left over: {left}"

    def check_promises(self, *, lease: bool = True) -> None:
        """Check that every acknowledged outcome is there once, and no lease lasts too long."""
        if lease:
            self.check_no_stuck_lease()
        rows = self.premises.outcomes(self.env)
        stored = Counter(row["key"] for row in rows)
        lost = [key for key in self.book.acknowledged if not stored[key]]
        twice = [key for key, times in stored.items() if times > 1]
        TALLY.acknowledged += len(self.book.acknowledged)
        TALLY.lost += len(lost)
        TALLY.duplicated += len(twice)
        TALLY.refused += self.book.refused
        TALLY.asked += self.book.asked
        TALLY.degraded += self.book.degraded
        TALLY.slowest_ask = max(TALLY.slowest_ask, self.book.slowest_ask)
        assert (lost, twice) == ([], []), f"seed {self.seed}"
        assert len(rows) == self.before + len(self.book.acknowledged)

    def check_no_stuck_lease(self) -> None:
        """Check that whoever held the lease does not hold it for longer than a lease lasts."""
        with attach(self.database) as lease:
            left = ask_sql(
                lease,
                "select coalesce(extract(epoch from lease_until - now()), 0) from learners "
                f"where learner = '{LEARNER}'",
            )
            assert float(left) <= LEASE

    def check_learning_goes_on(self, seconds: float = 400.0) -> None:
        """Check that a worker that starts now ends the run that is asked for."""
        with attach(self.database) as lease:
            self.request()
            self.start_worker()
            sql = f"select requested - done from learners where learner = '{LEARNER}'"
            try:
                until(lambda: ask_sql(lease, sql) == "0", seconds, "the run was done", every=0.5)
            except AssertionError as error:
                error.add_note(self._learning(lease))
                raise
            sql = "select result from runs order by id desc limit 1"
            assert ask_sql(lease, sql) in ("promoted", "rejected", "skipped")

    def _learning(self, lease: Lease) -> str:
        """Return what there is to know about a run that does not end."""
        rows = ask_sql(lease, "select *, now() from learners; select * from runs")
        said = (self.premises.root / "worker.txt").read_text()[-2000:]
        return f"{rows}\n{said}\n{self.trainers()}"


def copied(template: Path, premises: Premises) -> Premises:
    """Return premises with a copy of a data directory that nobody uses."""
    premises.cluster.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", template, premises.cluster], check=True)
    shutil.rmtree(premises.cluster / "run", ignore_errors=True)
    return premises
