"""The terms of a text: its words, in lower case, without endings that say nothing.

Names are divided as people divide them, so that `parseJSON` and "parse json" meet.
"""

import re
from functools import lru_cache

PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
LONGEST = 20_000  # characters that are looked at
COMMON = (
    "a an and are as at be but by can do does for from has have how i if in into is it its me "
    "my not of on or our so such that the their then there these they this to was we what when "
    "where which will with would you your"
)
STOP = frozenset(COMMON.split())


@lru_cache(4096)
def terms(text: str) -> tuple[str, ...]:
    """Return the terms of a text in order, repeated as they are; stop words are left out.

    >>> terms("How to parseJSON files?"), terms("parse a JSON file")
    (('parse', 'json', 'file'), ('parse', 'json', 'file'))
    """
    found = (part.lower() for part in PART.findall(text[:LONGEST]))
    return tuple(_singular(word) for word in found if word not in STOP)


def _singular(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word
