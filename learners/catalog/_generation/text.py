"""What a description of a task says: counts and words, taken once, when the question is asked.

They travel with the question, so that features never read the text itself: what is stored of it
may be redacted, hashed or nothing, and training still equals serving. Words are matched as words
(X-34); the lists are those of 002-71 ... 002-74 and 002-29.
"""

import re
import zlib
from collections import Counter
from math import log
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from learners.numerics.prose import terms

COMPLEX = (
    "authentication", "authorization", "security", "real-time", "websocket", "streaming",
    "distributed", "microservices", "queue", "payment", "transaction", "blockchain",
    "machine learning", "ai", "model",
)  # fmt: skip
TECHNICAL = (
    "api", "endpoint", "route", "controller", "service", "model", "schema", "migration", "database",
    "query", "authentication", "authorization", "jwt", "token", "validation", "serializer", "crud",
    "rest", "graphql", "component", "hook", "state", "props", "redux", "async", "await", "promise",
    "callback", "docker", "kubernetes", "ci/cd", "deployment",
)  # fmt: skip
FLAGS = {
    "authentication": ("authentication", "authenticate", "login", "log in", "sign in", "oauth"),
    "authorization": ("authorization", "authorize", "permission", "role", "access control"),
    "validation": ("validation", "validate", "validator"),
    "database": ("database", "sql", "query", "schema", "migration", "table"),
    "api_integration": ("api", "rest", "graphql", "webhook", "integration"),
    "file_upload": ("upload", "file upload", "attachment"),
    "real_time": ("real-time", "realtime", "websocket", "streaming", "live update"),
}
RELATIONS = ("belongs to", "has many", "has one", "relationship", "foreign key", "depends on")
REQUIRED = ("must", "should")
CONSTRAINTS = (*REQUIRED, "only", "at least", "at most", "unique", "required", "cannot")
ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
ENTITY = re.compile(r"\b(?:[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|[a-z]+(?:_[a-z0-9]+)+|`[^`\n]{1,60}`)")
LONG = 500  # characters
WORDS = 96  # the most telling ones are kept


class TaskText(BaseModel):
    """A description in numbers.

    Attributes:
        words: Numbers that stand for words, and how often each occurs, most frequent first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: int = Field(default=0, ge=0)
    requirements: int = Field(default=0, ge=0)
    technical_terms: int = Field(default=0, ge=0)
    entities: int = Field(default=0, ge=0)
    relationships: int = Field(default=0, ge=0)
    constraints: int = Field(default=0, ge=0)
    complex_words: int = Field(default=0, ge=0)
    flags: tuple[str, ...] = Field(default=(), max_length=len(FLAGS))
    words: Annotated[tuple[tuple[int, int], ...], Field(max_length=WORDS)] = ()
    fingerprint: int = Field(default=0, ge=0, description="of all words; 0: no text")

    @property
    def weights(self) -> tuple[tuple[int, float], ...]:
        """Return each word with the logarithm of its frequency, the whole of length 1."""
        found = [(word, 1.0 + log(count)) for word, count in self.words]
        norm = sum(weight * weight for _, weight in found) ** 0.5
        return tuple((word, weight / norm) for word, weight in found)


def described(text: str) -> TaskText:
    """Return what a description says.

    >>> described("Build a login API: it must validate the email").requirements
    1
    """
    said = Counter(found.group(1) for found in _ANY.finditer(text.lower()))
    found = terms(text)
    counts = sorted(Counter(found).items(), key=lambda each: (-each[1], each[0]))
    return TaskText(
        length=len(text),
        requirements=len(ITEM.findall(text)) + sum(said[word] for word in REQUIRED),
        technical_terms=sum(word in said for word in TECHNICAL),
        entities=len(set(ENTITY.findall(text))),
        relationships=sum(said[word] for word in RELATIONS),
        constraints=sum(said[word] for word in CONSTRAINTS),
        complex_words=sum(word in said for word in COMPLEX),
        flags=tuple(name for name, words in FLAGS.items() if any(word in said for word in words)),
        words=tuple((number(word), count) for word, count in counts[:WORDS]),
        fingerprint=number(" ".join(found)) if found else 0,
    )


def number(word: str) -> int:
    """Return the number that stands for a word: not a secret, but no text either."""
    return zlib.crc32(word.encode()) + 1


_LISTED = {*COMPLEX, *TECHNICAL, *RELATIONS, *CONSTRAINTS}.union(*FLAGS.values())
_ANY = re.compile(
    r"(?<!\w)("
    + "|".join(re.escape(word) for word in sorted(_LISTED, key=len, reverse=True))
    + r")(?:e?s)?(?!\w)"
)
