"""A server process spoken to line by line, as a host would."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any

from served import SCRIPT


class Ended(AssertionError):
    """The server has ended instead of answering."""


class Wire:
    """A process of `foresight serve` with its ends in our hands."""

    def __init__(
        self,
        env: Mapping[str, str],
        cwd: Path,
        *arguments: str,
        program: Sequence[str] = (str(SCRIPT), "serve"),
    ) -> None:
        """Start it."""
        self.errors = (cwd / "stderr.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*program, *arguments],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.number = 0

    def __enter__(self) -> "Wire":
        """Return the wire."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """See to it that nothing is left."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                with suppress(BrokenPipeError):  # what was not sent any more
                    stream.close()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        assert isinstance(self.process.stdin, TextIOWrapper)
        self.process.stdin.flush()
        self.process.stdin.buffer.write(data)

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return its result; every line on stdout must be the protocol."""
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == self.number:
                if "error" in message:
                    raise Ended(f"an error instead of a result: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
        raise Ended(f"the server ended: {self.said()}")

    def initialize(self) -> dict[str, Any]:
        """Shake hands."""
        result = self.request(
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={},
            clientInfo={"name": "test", "version": "1"},
        )
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its result."""
        return self.request("tools/call", name=tool, arguments=arguments)

    def said(self) -> str:
        """Return what it wrote to stderr."""
        self.errors.flush()
        return (Path(self.errors.name)).read_text("utf-8")
