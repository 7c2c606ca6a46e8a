"""The stdio transport, with an end that always comes: EOF, SIGTERM and SIGINT all leave in order.

The SDK reads standard input in a thread that nothing can interrupt. So it is given a pipe instead,
fed from standard input by a thread of ours; closing that pipe is the same end as EOF, whoever
asked for it.
"""

import os
import signal
import sys
import threading
from types import FrameType

from mcp.server.mcpserver import MCPServer

from tools.context import App

CHUNK = 65_536
LAST_SECONDS = 1.7  # for an orderly end; what is left by then the next start repairs


class _Input:
    """Standard input behind a pipe that can be ended from here."""

    def __init__(self) -> None:
        self._source = os.dup(0)
        reader, self._writer = os.pipe()
        os.dup2(reader, 0)
        os.close(reader)
        self._ended = threading.Lock()
        threading.Thread(target=self._feed, daemon=True).start()

    def _feed(self) -> None:
        while data := self._read():
            try:
                while data:
                    data = data[os.write(self._writer, data) :]
            except OSError:
                return  # ended meanwhile
        self.end()

    def _read(self) -> bytes:
        try:
            return os.read(self._source, CHUNK)
        except OSError:
            return b""

    def end(self) -> None:
        """End the input, once, and see to it that the process follows."""
        if not self._ended.acquire(blocking=False):
            return
        leave_within(LAST_SECONDS)
        # not close(): the feeding thread may be about to write to a number that somebody else got
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._writer, inheritable=False)
        os.close(nowhere)


def leave_within(seconds: float) -> None:
    """Leave the process after so long, whatever it is still waiting for.

    Nothing acknowledged can be lost by it: outcomes are on disk before they are acknowledged, the
    kernel gives back our share of the database, and a training child ends with its parent.
    """
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()


def serve_stdio(server: MCPServer[App]) -> None:
    """Serve until the input ends or a signal comes."""
    source = _Input()

    def stop(_number: int, _frame: FrameType | None) -> None:
        source.end()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.run("stdio")
    sys.stderr.flush()
    # threads that still read or wait for the disk would hold the interpreter back
    os._exit(0)
