"""Says on stderr what a verb waits for and how far it is, and for how long."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

FIRST = 2.0  # seconds before the first line about how far something is: what is quick needs none
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


@contextmanager
def counted(
    words: str, total: int, clock: Callable[[], float] = time.monotonic
) -> Generator[Callable[[int], None]]:
    """Show how much of a whole is done: a bar at a terminal, plain lines elsewhere.

    Yields:
        What is told how much is done, as often as something is.
    """
    from rich.console import Console  # not where a server starts
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(words, total, clock)
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(words, total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(words: str, total: int, clock: Callable[[], float]) -> Callable[[int], None]:
    since = clock()
    due = since + FIRST

    def say(done: int) -> None:
        nonlocal due
        now = clock()
        if now >= due:
            due = now + EVERY
            sys.stderr.write(f"foresight: {words}, {done} of {total} ({now - since:.0f} s)\n")
            sys.stderr.flush()

    return say
