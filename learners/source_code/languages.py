"""The languages that are measured, and how one is found; no parser is needed to know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        name: As answered.
        aliases: Other names, in lower case.
        grammars: By suffix of the file, without the dot; the likeliest first.
    """

    name: str
    aliases: tuple[str, ...]
    grammars: dict[str, str]


def _language(name: str, aliases: str, suffixes: str) -> Language:
    return Language(name, tuple(aliases.split()), dict.fromkeys(suffixes.split(), name))


LANGUAGES = (
    _language("python", "py python3", "py pyi pyw"),
    _language("javascript", "js jsx mjs cjs ecmascript", "js jsx mjs cjs"),
    Language(
        "typescript",
        ("ts", "tsx", "mts", "cts"),
        {"ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx"},
    ),
    _language("go", "golang", "go"),
    _language("java", "", "java"),
    _language("rust", "rs", "rs"),
)
SHOWN = 40  # characters of a name that is quoted


def find(language: str, file_path: str) -> Language | None:
    """Return the language that is named, else the one of the file's suffix.

    >>> find("TS", "").name, find("", "src/app.rs").name, find("cobol", "")
    ('typescript', 'rust', None)
    """
    name, suffix = language.strip().lower(), suffix_of(file_path)
    for known in LANGUAGES:
        if name == known.name or name in known.aliases:
            return known
    return next((known for known in LANGUAGES if suffix in known.grammars), None)


def suffix_of(file_path: str) -> str:
    """Return what stands behind the last dot of the file's name, in lower case."""
    name = file_path.strip().replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def grammars(language: Language, file_path: str) -> tuple[str, ...]:
    """Return the grammar of the file's suffix, else all of the language, the likeliest first."""
    known = language.grammars.get(suffix_of(file_path))
    return (known,) if known else tuple(dict.fromkeys(language.grammars.values()))


def unknown(language: str, file_path: str) -> str:
    """Say that the language is not one that is measured, and which are."""
    given = [f"language {language[:SHOWN]!r}"] if language.strip() else []
    given += [f"file suffix {suffix_of(file_path)[:SHOWN]!r}"] if file_path.strip() else []
    why = f"{' with '.join(given)} is not known" if given else "neither language nor file is named"
    known = ", ".join(known.name for known in LANGUAGES)
    return f"the code is not measured: {why}. Name the language, one of {known}, or the file"
