"""The words of a component's name, so that what was learned of one name speaks about the next.

Everything but letters, digits and dots separates, as does CamelCase; a version is one word.
"""

import re
from functools import lru_cache

SEPARATOR = re.compile(r"[^\w.]+|_+")
VERSION = re.compile(r"v?\d+(?:\.\w+)*[a-z]?\d*", re.IGNORECASE)
# Digits stay with the letters before them: libxml2, W3C.
PART = re.compile(r"[A-Z0-9]+(?![a-z])|[A-Z]?[a-z]+\d*|[^\W_]+")
LIMIT = 16
NAMES = 4096  # that are remembered: few names are told of again and again


@lru_cache(NAMES)
def words(name: str) -> tuple[str, ...]:
    """Return the distinct words of a name, lower-case, in order of first appearance.

    >>> words("MixinHealthCheck"), words("LGPL-2.1-or-later"), words("berkeley-db#18.1.40")
    (('mixin', 'health', 'check'), ('lgpl', '2.1', 'or', 'later'), ('berkeley', 'db', '18.1.40'))
    """
    found: dict[str, None] = {}
    for chunk in SEPARATOR.split(name):
        parts = [chunk] if is_version(chunk) else _parts(chunk)
        found.update(dict.fromkeys(part.lower() for part in parts))
    # A bound, because pairs of words are counted.
    return tuple(found)[:LIMIT]


def _parts(chunk: str) -> list[str]:
    """Divide by case; letters of other alphabets have one, too."""
    cased = "".join(
        c if c.isascii() else "A" if c.isupper() else "a" if c.islower() else c for c in chunk
    )
    return [chunk[part.start() : part.end()] for part in PART.finditer(cased)]


def is_version(word: str) -> bool:
    """Return whether a word is a version rather than a name."""
    return VERSION.fullmatch(word) is not None


@lru_cache(NAMES)
def stem(name: str) -> str:
    """Return the name without its versions: what different versions of a thing have in common.

    >>> stem("berkeley-db#18.1.40"), stem("LGPL-2.1-or-later"), stem("gcc@9.3.1")
    ('berkeley-db', 'lgpl-or-later', 'gcc')
    """
    before = re.split("[#@]", name, maxsplit=1)[0]
    parts = words(before or name)
    return "-".join(part for part in parts if not is_version(part)) or "-".join(parts)
