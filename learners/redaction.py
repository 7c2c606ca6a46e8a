"""What of a caller's text is stored: redacted of secrets by default, its hash, or nothing."""

import hashlib
import re
from typing import Final, Literal

StoreText = Literal["redacted", "hash", "none"]

SECRETS: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        r"\b(?:gh[pousr]|github_pat|glpat|xox[abprs]|sk|pk|rk|npm|pypi|fst)[-_][A-Za-z0-9_\-]{16,}",
        r"\bAKIA[0-9A-Z]{16}\b",
        r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # JSON web tokens
        r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",  # user:password in URLs
        r"(?<=bearer )[\w.~+/=-]{8,}",
        r"(?:(?<=password)|(?<=passwd)|(?<=secret)|(?<=token)|(?<=api_key)|(?<=apikey))"
        r"[\"']?\s*[=:]\s*[\"']?[^\s\"',;]{4,}",
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",  # people's addresses
    )
)
MARK: Final = "[redacted]"


def stored(text: str, mode: StoreText) -> str:
    """Return the part of a text that may be kept."""
    if not text or mode == "none":
        return ""
    if mode == "hash":
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    for secret in SECRETS:
        text = secret.sub(MARK, text)
    return text
