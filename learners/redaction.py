"""What of a caller's text is stored: redacted of secrets by default, its hash, or nothing."""

import hashlib
import re
from typing import Final, Literal

StoreText = Literal["redacted", "hash", "none"]

MARK: Final = "[redacted]"
HASHED: Final = re.compile(r"sha256:[0-9a-f]{16}")

# What is set to a value that nobody else should read; a plural is a count, not a secret.
_HIDDEN: Final = r"(?:password|passwd|passphrase|pwd|secret)"
_KEY: Final = (
    r"(?:token|(?:api|access|secret|private|account|auth|signing)[_-]?key|access[_-]?key[_-]?id)"
)
_SET: Final = r"[\"']?\s*[=:]\s*"
# Words of programs and prose that follow `password:` without being one.
_ORDINARY: Final = (
    r"(?:str|string|bytes|bool|int|any|final|none|null|true|false|optional|required|missing|expected|"
    r"invalid|wrong|empty|unknown|undefined|password|passwd|secret|token)\b"
)
_END: Final = r"(?![\w.(\[])"  # else it is a name, a call or an index, not a value

# A named group says that a secret follows, and is kept.
SECRETS: Final = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}",
        r"\bfst_[\w-]{16,}",  # ours
        # hosts of code and packages
        r"\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}",
        r"\bgl(?:pat|dt|rt|ptt|cbt|ft|imt|agent|soat|oas)-[\w-]{16,}",
        r"\bnpm_[A-Za-z0-9]{30,}|\bpypi-AgE[\w-]{16,}|\bdckr_pat_[\w-]{16,}|\bhf_[A-Za-z0-9]{30,}",
        # models, chats, payments
        r"\bsk-(?:proj|ant|svcacct|admin|or)-[\w-]{16,}",
        r"\b[srp]k[-_](?:(?:live|test)_)?[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9+/=]{16,}",
        r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-[\w-]{10,}|(?<=hooks\.slack\.com/services/)[\w/]{16,}",
        r"\b\d{8,10}:AA[\w-]{33}\b|\bSG\.[\w-]{16,}\.[\w-]{16,}",
        # clouds
        r"\b(?:AKIA|ASIA|ABIA|ACCA|AIDA|AROA)[0-9A-Z]{16}\b",
        r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
        r"\bdop_v1_[0-9a-f]{32,}|\bdapi[0-9a-f]{32}\b|\bshp(?:at|ss|ca)_[0-9a-f]{32}|\bhv[sb]\.[\w-]{20,}",
        # carried by requests
        r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*",  # JSON web tokens
        r"(?i:(?P<keep_scheme>\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|digest|token)\s+))"
        r"[^\s\"',;]{4,}",
        r"(?i:(?P<keep_bearer>\bbearer\s+))(?=[\w.~+/=-]{0,200}\d)[\w.~+/=-]{8,}",
        r"(?i:(?P<keep_cookie>\b(?:set-)?cookie:\s*))[^\r\n]{4,}",
        # user:password of a URL; not a port, and whatever signs the password holds
        r"(?<=://)[^\s/:@\"'<>]{0,128}+:(?!\d{1,5}(?:/|\Z))[^\s\"'<>]{1,256}(?=@)",
        # name = value, in code, settings, JSON and connection strings
        rf"(?i:(?P<keep_quoted>(?:{_HIDDEN}|{_KEY}){_SET}\"))[^\"\r\n]{{4,}}(?=\")",
        rf"(?i:(?P<keep_single>(?:{_HIDDEN}|{_KEY}){_SET}'))[^'\r\n]{{4,}}(?=')",
        rf"(?i:(?P<keep_password>{_HIDDEN}{_SET})(?!{_ORDINARY}))"
        rf"(?:[^\s\"',;&()\[\]{{}}<>.]{{4,}}+{_END}|(?=[^\s\"',;&()]{{0,200}}\d)"
        rf"[^\s\"',;&()\[\]{{}}<>]{{6,}}+{_END})",
        rf"(?i:(?P<keep_key>{_KEY}{_SET}))(?=[\w./+=-]{{0,200}}\d)(?=[\w./+=-]{{0,200}}[A-Za-z])"
        rf"[\w./+=-]{{8,}}+{_END}",
        # people's addresses; package@1.2.3 is none
        r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b",
    )
)


def redacted(text: str) -> str:
    """Return a text with every secret that looks like one replaced."""
    before = ""
    while before != text:  # what stood beside a secret may be seen to be one only without it
        before = text
        for secret in SECRETS:
            text = secret.sub(_marked, text)
    return text


def _marked(found: re.Match[str]) -> str:
    kept = "".join(filter(None, found.groups()))
    return f"{kept}{MARK}"


def stored(text: str, mode: StoreText) -> str:
    """Return the part of a text that may be kept."""
    if not text or mode == "none":
        return ""
    if mode == "hash":
        if HASHED.fullmatch(text):  # stored before: what is told about it keeps its name
            return text
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return redacted(text)
