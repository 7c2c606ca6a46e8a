"""Secrets and addresses in a caller's text are not stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.redaction import MARK, stored

SECRETS = [
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "sk-abcdefghijklmnopqrstuvwx",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    "hunter2hunter2",
    "someone@example.org",
]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        *(
            (f"it failed with {secret} in the log", secret)
            for secret in SECRETS
            if "hunter" not in secret
        ),
        ("postgresql://me:hunter2hunter2@host/db", SECRETS[4]),
        ("token add said fst_Gg1PQuiJnCw8_qWPZ_vKmORBDT35viQVgsebxdqcYNI", "Gg1PQuiJnCw8"),
        ("password = hunter2hunter2", SECRETS[4]),
        ("Authorization: Bearer hunter2hunter2", SECRETS[4]),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2hunter2\n-----END RSA PRIVATE KEY-----",
            SECRETS[4],
        ),
    ],
)
def test_a_secret_is_replaced(text: str, secret: str) -> None:
    kept = stored(text, "redacted")
    assert secret not in kept
    assert MARK in kept


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = stored(text, "redacted")
    assert stored(once, "redacted") == once


def test_other_modes_keep_a_hash_or_nothing() -> None:
    assert stored("what happened", "none") == ""
    assert stored("what happened", "hash").startswith("sha256:")
    assert "what" not in stored("what happened", "hash")
    assert stored("both modify state", "redacted") == "both modify state"
