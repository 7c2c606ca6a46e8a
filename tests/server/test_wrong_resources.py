"""Wrong addresses of resources, and completions of what is not there."""

from pathlib import Path
from typing import Any

import pytest
import wild
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, PromptReference, ResourceTemplateReference
from served import LEARNERS, client, settings_for, text, url_of

from learners.registry import catalog
from storage.embedded import Dsn

pytestmark = pytest.mark.anyio

LEARNER = ", ".join(catalog())
SECRET = wild.SECRETS[0]
KNOWN = (
    "expected one of foresight://status, foresight://pending, foresight://card/{learner}, "
    "foresight://decision/{id}, foresight://mixins/{name}"
)
DESCRIBE = "`foresight mixins add` describes a new one"
MISSING = "7d8e9f00-0000-4000-8000-000000000000"

WRONG: list[tuple[str, str]] = [
    ("foresight://card/tea", f"learner: expected one of {LEARNERS}; got 'tea'"),
    ("foresight://card/", f"learner: expected one of {LEARNERS}; got ''"),
    ("foresight://card/a%0Ab", f"learner: expected one of {LEARNERS}; got 'a\\nb'"),
    ("foresight://card/..%2Ftea", f"Unknown resource 'foresight://card/..%2Ftea'; {KNOWN}"),
    ("foresight://card/../../tea", f"Unknown resource 'foresight://card/../../tea'; {KNOWN}"),
    ("foresight://card/%00", f"Unknown resource 'foresight://card/%00'; {KNOWN}"),
    (f"foresight://card/{SECRET}", f"learner: expected one of {LEARNERS}; got '[redacted]'"),
    ("foresight://mixins/Tea", f"name: nothing is known of 'Tea'; {DESCRIBE}"),
    ("foresight://mixins/%22;drop", f"name: nothing is known of '\";drop'; {DESCRIBE}"),
    ("foresight://mixins/..", f"Unknown resource 'foresight://mixins/..'; {KNOWN}"),
    (
        f"foresight://mixins/{'x' * 3000}",
        f"name: nothing is known of '{'x' * 60}...'; {DESCRIBE}",
    ),
    ("foresight://decision/7", "id: expected the decision_id of an answer (a UUID), got '7'"),
    (
        f"foresight://decision/{SECRET}",
        "id: expected the decision_id of an answer (a UUID), got '[redacted]'",
    ),
    (
        f"foresight://decision/{MISSING}",
        f"decision_id: no decision {MISSING}; ids are returned with answers",
    ),
    ("foresight://status?x=1", f"Unknown resource 'foresight://status?x=1'; {KNOWN}"),
    ("file:///etc/passwd", f"Unknown resource 'file:///etc/passwd'; {KNOWN}"),
    ("", f"Unknown resource ''; {KNOWN}"),
]


@pytest.fixture
async def asked(anyio_backend: str, fresh_database: Dsn, tmp_path: Path) -> Any:
    """A client of a server over a fresh database."""
    async with client(settings_for(url_of(fresh_database), tmp_path)) as connected:
        yield connected


async def test_a_wrong_address_is_explained_in_one_line(asked: Client) -> None:
    for uri, expected in WRONG:
        with pytest.raises(MCPError) as caught:
            await asked.read_resource(uri)
        assert (caught.value.code, str(caught.value)) == (INVALID_PARAMS, expected)
    result = await asked.call_tool("learning_status", {})
    assert not result.is_error, text(result)


async def test_every_template_has_a_wrong_address_in_the_table(asked: Client) -> None:
    templates = (await asked.list_resource_templates()).resource_templates
    for template in templates:
        start = template.uri_template.partition("{")[0]
        explained = [what for uri, what in WRONG if uri.startswith(start) and KNOWN not in what]
        assert explained, template.uri_template


async def test_an_unknown_prompt_is_named_with_those_there_are(asked: Client) -> None:
    names = ", ".join(prompt.name for prompt in (await asked.list_prompts()).prompts)
    with pytest.raises(MCPError) as caught:
        await asked.get_prompt("tea", {})
    there = f"expected one of {names}" if names else "there are none"
    assert (caught.value.code, str(caught.value)) == (
        INVALID_PARAMS,
        f"Unknown prompt 'tea'; {there}",
    )


async def test_nothing_completes_what_is_not_there(asked: Client) -> None:
    for uri, name, value in (
        ("foresight://card/{learner}", "learner", "../../etc"),
        ("foresight://card/{learner}", "learner", "x" * 100_000),
        ("foresight://card/{learner}", "tea", "\0"),
        ("foresight://mixins/{name}", "name", "'; drop table events; --"),
        ("foresight://decision/{id}", "id", SECRET),
        ("nowhere://{x}", "x", ""),
    ):
        reference = ResourceTemplateReference(type="ref/resource", uri=uri)
        found = await asked.complete(reference, {"name": name, "value": value})
        assert found.completion.values == []
    prompt = PromptReference(type="ref/prompt", name="tea")
    assert (await asked.complete(prompt, {"name": "x", "value": ""})).completion.values == []
