"""The stdio transport, with an end that always comes: EOF, SIGTERM and SIGINT all leave in order.

The SDK's own reads and writes in threads, which nothing can interrupt and which cost more than
an answer does. So the event loop waits for both ends itself.
"""

import codecs
import os
import select
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server

from server.unknown import Explaining
from tools.context import App

CHUNK = 65_536
UNBLOCKED = select.PIPE_BUF  # bytes that a pipe takes at once if it takes any
LAST_SECONDS = 1.7  # for an orderly end; what is left by then the next start repairs

Wait = Callable[[int], Awaitable[None]]


class Input:
    """Lines of a descriptor, until its end or until it is ended from here."""

    def __init__(self, source: int) -> None:
        """Read from a descriptor of any kind; it is left as it is."""
        self._source = source
        self._scope = anyio.CancelScope()
        self._ended = False

    def end(self) -> None:
        """End the input, and see to it that the process follows."""
        if not self._ended:
            self._ended = True
            leave_within(LAST_SECONDS)
            self._scope.cancel()

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        """Yield line after line, as text."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        begun = list[str]()
        while data := await self._read():
            first, *others = decoder.decode(data).split("\n")
            begun.append(first)
            for line in others:
                yield "".join(begun)
                begun = [line]
        if rest := "".join(begun):
            yield rest

    async def _read(self) -> bytes:
        with self._scope:
            await _ready(anyio.wait_readable, self._source)
        data = b"" if self._ended else os.read(self._source, CHUNK)
        if not data:
            self.end()
        self._scope = anyio.CancelScope()
        return data


class Output:
    """Writes to a descriptor without ever holding up the event loop."""

    def __init__(self, sink: int, gone: Callable[[], None]) -> None:
        """Write to a descriptor of any kind; call ``gone`` when nobody reads it any more."""
        self._sink = sink
        self._gone = gone
        self._poll = select.poll()
        self._poll.register(sink, select.POLLOUT)

    async def write(self, text: str) -> None:
        """Write all of a text."""
        data = text.encode()
        try:
            for start in range(0, len(data), UNBLOCKED):
                await self._piece(data[start : start + UNBLOCKED])
        except OSError:
            self._gone()

    async def _piece(self, data: bytes) -> None:
        while data:
            if not self._poll.poll(0):
                await _ready(anyio.wait_writable, self._sink)
            data = data[os.write(self._sink, data) :]

    async def flush(self) -> None:
        """Nothing is held back."""


async def _ready(wait: Wait, descriptor: int) -> None:
    try:
        await wait(descriptor)
    except PermissionError:
        return  # a file: always ready


class Server(Explaining):
    """The SDK's server over our ends of stdin and stdout."""

    async def run_stdio_async(self) -> None:
        """Serve until the input ends or a signal comes."""
        async with _wire() as (source, sink):
            # of a file the SDK needs its lines, write and flush
            ends: Any = (cast("Any", source), cast("Any", sink))
            async with stdio_server(*ends) as (received, sent):
                options = self._lowlevel_server.create_initialization_options()
                await self._lowlevel_server.run(received, sent, options)


@asynccontextmanager
async def _wire() -> AsyncGenerator[tuple[Input, Output], None]:
    """Take stdin and stdout for the protocol; whoever prints meanwhile prints to stderr."""
    source, sink = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    given = Input(source)
    async with anyio.create_task_group() as group:
        group.start_soon(_end_on_signal, given)
        yield given, Output(sink, given.end)
        group.cancel_scope.cancel()


async def _end_on_signal(given: Input) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            given.end()


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
    server.run("stdio")
    with suppress(OSError):
        sys.stderr.flush()
    # threads that still wait for the disk would hold the interpreter back
    os._exit(0)
