"""The stems of a text as numbers: enough to compare texts, not to read one.

What is kept of a task is which stems it has, in no order, so that a text may be redacted or dropped
without changing anything that was learned of it.
"""

from functools import lru_cache
from zlib import crc32

from learners.numerics.prose import terms

LETTERS = 6  # of a word stand for its forms: iterate, iterating, iterator


@lru_cache(65_536)
def stem(word: str) -> int:
    """Return the number of a word's stem.

    >>> stem("iterating") == stem("iterator"), stem("list") == stem("line")
    (True, False)
    """
    return crc32(word[:LETTERS].encode("utf-8", "replace"))


def stems(text: str) -> tuple[int, ...]:
    """Return the stems of a text, repeated as they are, in the order of their numbers."""
    return tuple(sorted(stem(word) for word in terms(text)))


def distinct(text: str, most: int) -> tuple[int, ...]:
    """Return each stem of a text once, of a long text the first ones."""
    first = list(dict.fromkeys(stem(word) for word in terms(text)))[:most]
    return tuple(sorted(first))
