"""Says on stderr what a verb waits for, and for how long."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

EVERY = 30.0  # seconds between two lines about the same thing, where there is no terminal


class Watch:
    """A status line at a terminal, plain lines elsewhere."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing to say."""
        from rich.console import Console  # not where a server starts

        console = Console(stderr=True)
        self._status = console.status("") if console.is_terminal else None
        self._clock = clock
        self._words = ""
        self._since = self._due = 0.0

    def __enter__(self) -> Self:
        """Take the line."""
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Give the line back."""
        if self._status is not None:
            self._status.stop()

    def say(self, words: str) -> None:
        """Show what is waited for now; call it as often as you look."""
        now = self._clock()
        if words != self._words:
            self._words, self._since, self._due = words, now, now
        passed = now - self._since
        if self._status is not None:
            self._status.update(f"{words} ({passed:.0f} s)")
        elif now >= self._due:
            self._due = now + EVERY
            spent = f" ({passed:.0f} s)" if passed else ""
            sys.stderr.write(f"foresight: {words}{spent}\n")
            sys.stderr.flush()
