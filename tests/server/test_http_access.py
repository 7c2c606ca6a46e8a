"""Who may do what over HTTP: one server for others than this machine, asked by all of them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from asked import Answer, ask, client, made, serving, until
from mcp import MCPError
from served import PAIR, environment, text, url_of

from server import tokens
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

CALLS = 400  # a minute
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
Era = Literal["auto", "legacy"]


class Place(NamedTuple):
    """A server, and the environment that it and its operator's commands have."""

    address: str
    env: dict[str, str]
    ann: str  # advise, feedback
    root: str  # admin

    def add(self, name: str, *scopes: str, days: float | None = None) -> str:
        """Make a token without a process of its own."""
        directory = Path(self.env["FORESIGHT_DATA_DIR"])
        return tokens.add(directory, name, scopes or ("advise",), days)[0]

    def remove(self, name: str) -> None:
        """Remove one."""
        tokens.remove(Path(self.env["FORESIGHT_DATA_DIR"]), name)


@pytest.fixture(scope="module")
def place(shared_database: Dsn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server that listens on every address and knows two tokens."""
    env = environment(
        url_of(shared_database),
        tmp_path_factory.mktemp("data"),
        FORESIGHT_TOOLSETS="advise,feedback,admin",
        FORESIGHT_HTTP_ALLOWED_HOSTS="advice.example",
        FORESIGHT_HTTP_RATE=str(CALLS),
    )
    ann = made(env, "ann")
    root, _ = tokens.add(Path(env["FORESIGHT_DATA_DIR"]), "root", ["admin"], 1)
    with serving(env, "--host", "0.0.0.0") as (address, _):
        until(address, "/readyz", 200)
        yield Place(address, env, ann, root)


@pytest.mark.parametrize(
    ("headers", "said", "challenge"),
    [
        ({}, "Authorization: expected `Bearer TOKEN`", 'Bearer realm="foresight"'),
        (
            {"Authorization": "Bearer fst_guessed"},
            "Authorization: this token is unknown or has expired",
            'Bearer realm="foresight", error="invalid_token", '
            'error_description="unknown or expired"',
        ),
        (
            {"Authorization": "Basic YW5uOmFubg=="},
            "Authorization: this token is unknown or has expired",
            'Bearer realm="foresight", error="invalid_token", '
            'error_description="unknown or expired"',
        ),
    ],
)
@pytest.mark.parametrize("path", ["/mcp", "/", "/healthz/"])
def test_a_request_without_a_good_token_is_refused_everywhere(
    place: Place, path: str, headers: dict[str, str], said: str, challenge: str
) -> None:
    answer = ask(place.address, path, headers=headers)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == challenge
    assert answer.message.startswith(said)
    assert "foresight token add" in answer.message


def test_the_address_that_was_called_is_a_name_of_the_server_and_no_other_is(place: Place) -> None:
    other = place.address.replace("127.0.0.1", "127.0.0.2")  # all of 127/8 is this machine
    assert ask(other, token=place.ann).status == 400  # an empty body is no request
    assert ask(other, token=place.ann, headers={"Host": "127.0.0.3"}).status == 421


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"Host": "rebound.example"}, 421, "Host: not a name of this server"),
        ({"Host": "rebound.example:8077"}, 421, "Host: not a name of this server"),
        ({"Host": "advice.example.evil"}, 421, "Host: not a name of this server"),
        ({"Origin": "http://rebound.example"}, 403, "Origin: not a page of this server"),
        ({"Origin": "null"}, 403, "Origin: not a page of this server"),
        ({"Content-Type": "text/plain"}, 400, "Content-Type: expected application/json"),
    ],
)
def test_names_of_others_are_refused_even_with_a_good_token(
    place: Place, headers: dict[str, str], status: int, said: str
) -> None:
    answer = ask(place.address, token=place.ann, headers=headers)
    assert (answer.status, answer.message.startswith(said)) == (status, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "advice.example"},
        {"Host": "advice.example:443"},
        {"Host": "advice.example", "Origin": "https://advice.example"},
    ],
)
def test_the_names_that_a_setting_allows_are_served(place: Place, headers: dict[str, str]) -> None:
    assert listed(ask(place.address, token=place.ann, body=LIST, headers=MODERN | headers))


@ERAS
@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (
            "ann",
            ["check_mixin_compatibility", "recommend_mixins", "record_feedback", "learning_status"],
        ),
        ("root", ["train", "promote", "roll_back"]),
    ],
)
async def test_a_token_sees_the_tools_of_its_scopes(
    place: Place, mode: Era, who: str, seen: list[str]
) -> None:
    async with client(place.address, getattr(place, who), mode) as asked:
        listing = await asked.list_tools()
        assert set(seen) <= {tool.name for tool in listing.tools}
        other = {"ann": "train", "root": "check_mixin_compatibility"}[who]
        assert other not in {tool.name for tool in listing.tools}
        if mode == "auto":
            assert listing.cache_scope == "private"


@ERAS
async def test_a_tool_of_another_scope_is_refused_with_the_scope_it_needs(
    place: Place, mode: Era
) -> None:
    async with client(place.address, place.ann, mode) as asked:
        refused = await asked.call_tool("train", {"learner": "mixin_compatibility"})
        assert refused.is_error
        assert text(refused) == (
            "token 'ann': expected one with the scope admin, this one has advise, feedback; the "
            "operator makes one with `foresight token add NAME --scopes admin`"
        )
        assert "Unknown tool" in text(await asked.call_tool("no_such_tool", {}))
    async with client(place.address, place.root, mode) as asked:
        refused = await asked.call_tool("check_mixin_compatibility", PAIR)
        assert refused.is_error
        assert "expected one with the scope advise" in text(refused)


@ERAS
async def test_resources_need_a_scope_that_asks_or_tells(place: Place, mode: Era) -> None:
    async with client(place.address, place.ann, mode) as asked:
        assert (await asked.list_resources()).resources
        (content,) = (await asked.read_resource("foresight://status")).contents
        assert "join_rate" in content.text  # type: ignore[union-attr]
    async with client(place.address, place.root, mode) as asked:
        assert not (await asked.list_resources()).resources
        assert not (await asked.list_resource_templates()).resource_templates
        with pytest.raises(MCPError, match="expected one with the scope advise or feedback"):
            await asked.read_resource("foresight://status")


async def test_the_name_of_a_token_is_who_asks_unless_the_call_says_otherwise(
    place: Place,
) -> None:
    async with client(place.address, place.ann) as asked:
        for user in ("ann", "bob"):
            meta: Any = {} if user == "ann" else {"foresight/user": user}
            result = await asked.call_tool("check_mixin_compatibility", PAIR, meta=meta)
            decision = result.structured_content["decision_id"]
            told = {"decision_id": decision, "outcome": "success"}
            assert not (await asked.call_tool("record_feedback", told)).is_error
            (content,) = (await asked.read_resource(f"foresight://decision/{decision}")).contents
            (answer,) = json.loads(content.text)["answers"]  # type: ignore[union-attr]
            assert answer["user_id"] == user


def test_tokens_come_and_go_while_the_server_runs(place: Place) -> None:
    token = place.add("visitor")
    assert listed(ask(place.address, token=token, body=LIST, headers=MODERN))
    place.remove("visitor")
    assert ask(place.address, token=token, body=LIST, headers=MODERN).status == 401


def test_an_expired_token_is_refused(place: Place) -> None:
    token = place.add("brief", days=1.5 / 86_400)
    assert ask(place.address, token=token, body=LIST, headers=MODERN).status == 200
    deadline = time.monotonic() + 10
    while ask(place.address, token=token, body=LIST, headers=MODERN).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "has expired" in ask(place.address, token=token).message


async def test_a_session_belongs_to_the_token_that_opened_it(place: Place) -> None:
    first = place.add("twice", "advise", "admin")
    opened = ask(place.address, token=first, body=HELLO)
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    assert len(listed(ask(place.address, token=first, body=LEGACY_LIST, headers=session))) > 3
    assert ask(place.address, token=place.ann, body=LEGACY_LIST, headers=session).status == 404
    place.remove("twice")
    again = place.add("twice", "advise")
    assert ask(place.address, token=first, body=LEGACY_LIST, headers=session).status == 401
    assert ask(place.address, token=again, body=LEGACY_LIST, headers=session).status == 404


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": str(2**20 + 1)}, b""),
        ({"Transfer-Encoding": "chunked"}, b"100001\r\n%b\r\n0\r\n\r\n" % (b" " * (2**20 + 1))),
    ],
    ids=["announced", "in chunks"],
)
def test_a_body_above_one_mebibyte_is_refused(
    place: Place, headers: dict[str, str], body: bytes
) -> None:
    assert ask(place.address, token=place.ann, body=body, headers=headers).status == 413
    fits = LIST + b" " * (2**20 - len(LIST))
    assert listed(ask(place.address, token=place.ann, body=fits, headers=MODERN))


def test_who_calls_too_often_waits_and_others_do_not(place: Place) -> None:
    token = place.add("busy")
    answers = list[Answer]()
    while not answers or (answers[-1].status != 429 and len(answers) < 2 * CALLS):
        answers.append(ask(place.address, token=token))
    assert len(answers) > CALLS
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].message.startswith(f"token busy: more than {CALLS} calls a minute; repeat")
    assert ask(place.address, token=place.ann, body=LIST, headers=MODERN).status == 200


def test_health_is_open_to_everybody_and_says_nothing_of_the_inside(place: Place) -> None:
    for path, said in (
        ("/healthz", {"status": "ok", "database": "ready"}),
        ("/readyz", {"status": "ready"}),
    ):
        answer = ask(place.address, path, body=None, headers={"Host": "10.0.0.7:8077"})
        assert (answer.status, json.loads(answer.text)) == (200, said)
        assert "server" not in answer.headers


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}


def _request(method: str, **params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


LIST = _request("tools/list", _meta=META)
LEGACY_LIST = _request("tools/list")
HELLO = _request(
    "initialize",
    protocolVersion="2025-11-25",
    capabilities={},
    clientInfo={"name": "test", "version": "1"},
)


def listed(answer: Answer) -> list[str]:
    """Return the names of the tools in an answer, which is JSON or one event."""
    assert answer.status == 200, answer
    data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    result = json.loads(data[-1] if data else answer.text)["result"]
    return [tool["name"] for tool in result["tools"]]
