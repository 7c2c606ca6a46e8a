"""The HTTP transport, started as an operator starts it and spoken to as anybody could."""

import http.client
import json
import subprocess
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from served import SCRIPT, foresight

PATIENCE = 20.0  # seconds


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def message(self) -> str:
        """The text of a refusal."""
        said: str = json.loads(self.text)["error"]["message"]
        return said


@contextmanager
def serving(
    env: Mapping[str, str], *options: str
) -> Generator[tuple[str, subprocess.Popen[str]], None, None]:
    """Yield the address of a server on this machine's loopback, and its process."""
    process = subprocess.Popen(
        [str(SCRIPT), "serve", "--http", "--port", "0", *options],
        env=dict(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline().split()[-1]
        yield f"http://127.0.0.1:{urlsplit(said).port}/mcp", process
    finally:
        process.kill()
        process.communicate()


def ask(
    address: str,
    path: str = "/mcp",
    *,
    token: str = "",
    body: bytes | None = b"{}",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request; GET where there is no body."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    shown = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    shown |= {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request(
            "GET" if body is None else "POST", path, body, {**shown, **(headers or {})}
        )
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


def until(address: str, path: str, status: int) -> Answer:
    """Ask until the answer has a status, for so long as patience lasts."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = ask(address, path, body=None)
            if answer.status == status:
                return answer
            seen = answer.text
        except OSError as error:
            seen = str(error)
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)


@asynccontextmanager
async def client(
    address: str, token: str, mode: Literal["auto", "legacy"] = "auto"
) -> AsyncGenerator[Client, None]:
    """Yield a client that presents a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as sender,
        Client(streamable_http_client(address, http_client=sender), mode=mode) as asked,
    ):
        yield asked


def made(env: Mapping[str, str], name: str, *options: str) -> str:
    """Return a new token, made as an operator makes it."""
    done = foresight(env, "token", "add", name, *options, "--json")
    assert done.returncode == 0, done.stderr
    token: dict[str, Any] = json.loads(done.stdout)
    return str(token["token"])
