"""Secrets and addresses in a caller's text are not stored."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import wild
from hypothesis import given
from hypothesis import strategies as st
from served import PAIR, client, settings_for, text, url_of

from learners.redaction import MARK, redacted, stored
from storage import decisions
from storage.database import open_database
from storage.embedded import Dsn

# Each with the part that must be gone. None was ever valid.
SECRETS: list[tuple[str, str]] = [
    # hosts of code and packages
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefgh"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv", "11ABCDEFG0"),
    ("fst_Gg1PQuiJnCw8_qWPZ_vKmORBDT35viQVgsebxdqcYNI", "Gg1PQuiJnCw8"),
    ("glpat-abcDEF123456_7890xyz", "abcDEF"),
    ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefgh"),
    ("pypi-AgEIcHlwaS5vcmcCJDU2ZTk4", "cHlwaS5"),
    ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "abcdefgh"),
    # models, chats, payments
    ("sk-abcdefghijklmnopqrstuvwx", "abcdefgh"),
    ("sk-proj-ab12_cd34-ef56_gh78-ij90", "ab12"),
    ("sk-ant-api03-ab12_cd34-ef56_gh78-ij90", "ab12"),
    ("xox" + "b-1234567890-abcdefghijkl", "1234567890"),
    ("https://hooks.slack.com/services/T0000AAAA/B0000BBBB/abcdef123456", "T0000AAAA"),
    ("sk" + "_live_abcdefghijklmnop1234", "abcdefgh"),
    ("whsec_abcdefghijklmnop1234", "abcdefgh"),
    # clouds
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("ASIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalr"),
    ("AIza" + "SyA1234567890abcdefghijklmnopqrstuv", "SyA1234"),
    ("ya29.a0AfH6SMBabcdefghijklmnop", "a0AfH6"),
    ("AccountName=x;AccountKey=abc123DEF456+/==;", "abc123"),
    ("hvs.CAESIJabcdefghijklmnopqrstuv", "CAESIJ"),
    # requests
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "eyJzdWI"),
    ("Authorization: Bearer hunter2hunter2", "hunter2"),
    ("Authorization: Basic aHVudGVyOmh1bnRlcg==", "aHVudGVy"),
    ('"authorization": "token hunterhunter"', "hunter"),
    ("curl -H 'bearer hunter2hunter2'", "hunter2"),
    ("X-Api-Key: hunter2hunter2", "hunter2"),
    ("Set-Cookie: session=hunter2; Path=/", "hunter2"),
    ("https://example.org/x?access_token=hunter2hunter2&y=1", "hunter2"),
    # passwords of addresses and settings
    ("postgresql://me:hunter2hunter2@host/db", "hunter2"),
    ("postgresql://me:hunt@er/2@host:5432/db", "er/2"),
    ("redis://:hunter2@host:6379/0", "hunter2"),
    ("host=db password=hunter2.hunter2 user=me", "hunter2"),
    ("password = hunter2hunter2", "hunter2"),
    ("DB_PASSWORD=correcthorse", "correct"),
    ("password: correcthorse", "correct"),
    ('{"password": "two words"}', "two words"),
    ("client_secret='correct-horse'", "correct"),
    ("api_key=abcd1234efgh", "abcd1234"),
    # keys
    ("-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----", "hunter2"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2 and then cut off", "hunter2"),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunter2\n-----END PGP PRIVATE KEY BLOCK-----", "hunt"),
    # people
    ("someone@example.org", "someone"),
]
ORDINARY = [
    "both modify state, in different layers",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "def login(user: str, password: str | None = None) -> Token:",
    "login(password=password, token=token)",
    "password = getpass.getpass()",
    "token = parser.next()",
    "token = request.headers['x']",
    "secret = settings.secret",
    "api_key = os.environ['API_KEY']",
    "if token == other or token is None:",
    "max_tokens=100000, tokens: 4096",
    "tokenizer: gpt2tokenizer12",
    "the token: expected a valid one",
    "Bearer authentication failed",
    "constraint pk_customer_invoice_number, sk_model_selection",
    "sk-learn-pipeline-components and npm-run-all-parallel-tasks",
    "left-pad@1.3.0, @types/node@20.1.2",
    "https://packages.example.org:443/@types/node",
    "http://localhost:8077/mcp",
    "ssh://host/path and file:///etc/hosts",
    "x = a@b.T",
    "MixinCaching + MixinTransaction on EFFECT: lost update, 12 of 40 tests",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_replaced(text: str, secret: str) -> None:
    kept = stored(f"it failed: {text}", "redacted")
    assert secret not in kept
    assert MARK in kept
    assert kept.startswith("it failed: ")


@pytest.mark.parametrize("text", ORDINARY)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert stored(text, "redacted") == text


@given(st.one_of(st.text(), st.lists(st.sampled_from(SECRETS).map(lambda x: x[0])).map(" ".join)))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = stored(text, "redacted")
    assert stored(once, "redacted") == once


@pytest.mark.timeout(20)  # a pattern that looks back over everything takes minutes
def test_no_text_takes_longer_than_its_length() -> None:
    for part in ("a", "://a:", "eyJ-", "a.b@", "password=", "-----BEGIN A PRIVATE KEY-----", " \t"):
        assert redacted(part * (200_000 // len(part)))


def test_other_modes_keep_a_hash_or_nothing() -> None:
    assert stored("what happened", "none") == ""
    assert stored("what happened", "hash").startswith("sha256:")
    assert "what" not in stored("what happened", "hash")


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["redacted", "hash", "none"])
async def test_no_secret_that_is_told_reaches_a_row(
    fresh_database: Dsn, tmp_path: Path, mode: str
) -> None:
    settings = settings_for(url_of(fresh_database), tmp_path, store_text=mode)
    said = " and ".join(wild.SECRETS)
    facts = {**PAIR, "conflict_reason": said[:300], "resolution_pattern": wild.SECRETS[0]}
    unjoined: dict[str, Any] = {"deep": [{"er": said, wild.SECRETS[1]: 1}]}
    async with client(settings) as asked:
        for arguments in (
            {"outcome": "failure", "learner": "mixin_compatibility", "facts": facts, "notes": said},
            {
                "outcome": "failure",
                "decision_id": "7d8e9f00-0000-4000-8000-000000000000",
                "facts": unjoined,
                "notes": said,
            },
        ):
            result = await asked.call_tool("record_feedback", arguments)
            assert not result.is_error, text(result)
    database = await open_database(settings.where())
    rows = await database.run(partial(decisions.export_outcomes))
    await database.close()
    assert len(rows) == 2
    kept = json.dumps([dict(row.items()) for row in rows], default=str)
    for secret in wild.TELLTALE:
        assert secret not in kept
    assert (MARK in kept) or mode != "redacted"
