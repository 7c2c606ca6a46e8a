"""Hosts that tell and ask without pause, and the book of what was acknowledged to them."""

import json
import random  # noqa: TID251 - each caller has its own, seeded
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations, count
from pathlib import Path
from typing import Any

from premises import LEARNER, until
from wire import Ended, Wire

NAMES = [
    "MixinCaching", "MixinLogging", "MixinMetrics", "MixinEventBus", "MixinRetry", "MixinTimeout",
    "MixinValidation", "MixinSecurity", "MixinTransaction", "MixinConnection",
]  # fmt: skip
PAIRS = list(combinations(NAMES, 2))
STORED = {"fact", "join", "duplicate"}
PAUSE = 0.005  # seconds between two calls of a host, which leaves the servers some of the machine
ADMIN = "advise,feedback,admin"
GONE = (Ended, OSError, ValueError)  # what talking to a process that ends may raise


@dataclass
class Book:
    """What was told and what became of it; shared by all hosts of a test."""

    acknowledged: dict[str, str] = field(default_factory=dict[str, str])
    unsure: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    refused: int = 0  # "not stored, repeat with the same key"
    asked: int = 0
    degraded: int = 0
    slowest_ask: float = 0.0
    _numbers: "count[int]" = field(default_factory=count)  # not generic when run
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, rng: random.Random, decision: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what to tell next: what nobody acknowledged yet comes first."""
        with self._lock:
            if self.unsure:
                return self.unsure.pop(next(iter(self.unsure)))
            facts = {"mixins": list(rng.choice(PAIRS)), "node_type": "EFFECT"}
            tell = {"learner": LEARNER, "facts": facts, "key": f"k{next(self._numbers)}"}
            if decision is not None and rng.random() < 0.5:
                tell |= {"decision_id": decision["decision_id"], "facts": decision["facts"]}
            return {**tell, "outcome": rng.choice(["success", "failure"])}

    def unacknowledged(self, tell: dict[str, Any]) -> None:
        """Note that it must be told again with the same key."""
        with self._lock:
            self.unsure[tell["key"]] = tell

    def settle(self, tell: dict[str, Any], result: Mapping[str, Any]) -> None:
        """Note what the server said to a tell."""
        if result.get("isError"):
            text = result["content"][0]["text"]
            assert "repeat with the same key" in text.lower(), text
            self.refused += 1
            self.unacknowledged(tell)
            return
        effect = result["structuredContent"]["effect"]
        assert effect in STORED, result
        with self._lock:
            self.acknowledged[tell["key"]] = effect


class Host:
    """A host with a server process of its own, which it never gives a pause."""

    def __init__(
        self, env: Mapping[str, str], cwd: Path, book: Book, seed: int, *, tells: bool = True
    ) -> None:
        """Start the server; `ready` tells whether it has its history."""
        cwd.mkdir(parents=True)
        self.book, self.tells = book, tells
        self.rng = random.Random(seed)
        self.started = time.monotonic()
        self.wire = Wire(env, cwd, "--toolsets", ADMIN)
        self.failure: BaseException | None = None
        self.answers: list[tuple[float, bool]] = []  # when, degraded
        self.told = 0  # acknowledged to this host
        self._leaving, self._vanishing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def ready(self, seconds: float = 60.0) -> float:
        """Shake hands and wait for history; return the seconds since the start."""
        self.wire.initialize()
        until(
            lambda: self.wire.call("learning_status")["structuredContent"]["database"] == "ready",
            seconds,
            "the history was loaded",
        )
        return time.monotonic() - self.started

    def work(self) -> None:
        """Begin to tell and ask."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its server runs."""
        return self.wire.process.poll() is None

    def rest(self) -> None:
        """Stop telling and asking; the server goes on."""
        self._leaving.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "a call was not answered within 60 s"
        if self.failure is not None:
            raise self.failure

    def vanish(self) -> None:
        """Go away in the middle of a conversation, with answers unread."""
        self._vanishing.set()
        self._thread.join(60)

    def leave(self) -> float:
        """End the input in order; return the seconds until the server has ended."""
        self.rest()
        return self.exits(self.hang_up)

    def kill(self) -> None:
        """Kill the server."""
        self.wire.process.kill()
        self.wire.process.wait()

    def hang_up(self) -> None:
        """End the server's input."""
        assert self.wire.process.stdin is not None
        self.wire.process.stdin.close()

    def exits(self, leave: Any) -> float:
        """Do what ends the server; return the seconds until it has ended."""
        start = time.monotonic()
        leave()
        assert self.wire.process.wait(60) == 0, self.wire.said()
        return time.monotonic() - start

    def close(self) -> None:
        """Leave nothing."""
        self._leaving.set()
        self.wire.process.kill()
        if self._thread.is_alive():
            self._thread.join(20)
        self.wire.__exit__(None, None, None)

    def _run(self) -> None:
        answer: dict[str, Any] | None = None
        while not self._leaving.wait(PAUSE):
            if self._vanishing.is_set():
                self._vanish()
                return
            try:
                if self.tells:
                    self._tell(answer)
                answer = self._ask()
            except GONE:
                if self.alive_in(5):
                    self.failure = AssertionError(f"no answer, but alive: {self.wire.said()}")
                return
            except BaseException as error:  # noqa: BLE001 - shown by the thread that waits
                self.failure = error
                return

    def alive_in(self, seconds: float) -> bool:
        """Return whether the server is still there after it had time to end."""
        try:
            self.wire.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def _tell(self, answer: dict[str, Any] | None) -> None:
        tell = self.book.next(self.rng, answer)
        try:
            result = self.wire.call("record_feedback", **tell)
        except GONE:
            self.book.unacknowledged(tell)
            raise
        self.book.settle(tell, result)
        self.told += not result.get("isError")

    def _ask(self) -> dict[str, Any]:
        facts = {"mixins": list(self.rng.choice(PAIRS)), "node_type": "EFFECT"}
        start = time.monotonic()
        result = self.wire.call("check_mixin_compatibility", **facts)
        took = time.monotonic() - start
        assert not result.get("isError"), result
        answer = result["structuredContent"]
        self.book.asked += 1
        self.book.degraded += answer["degraded"]
        self.book.slowest_ask = max(self.book.slowest_ask, took)
        self.answers.append((time.monotonic(), answer["degraded"]))
        return {"decision_id": answer["decision_id"], "facts": facts}

    def _vanish(self) -> None:
        process = self.wire.process
        assert process.stdin is not None
        assert process.stdout is not None
        tell = self.book.next(self.rng, None)
        params = {"name": "record_feedback", "arguments": tell}
        self.book.unacknowledged(tell)
        call = {"jsonrpc": "2.0", "id": 10**6, "method": "tools/call", "params": params}
        process.stdin.write(json.dumps(call) + "\n")
        process.stdin.flush()
        process.stdout.close()
        process.stdin.close()
