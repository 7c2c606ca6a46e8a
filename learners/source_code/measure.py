"""Measures of a text. Pure, but parsers are C code: `learners.measuring` runs it in a child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learners.source_code import languages
from learners.source_code.cases import IS_TEST
from learners.source_code.documents import documented
from learners.source_code.hints import hinted
from learners.source_code.measures import CodeMeasures
from learners.source_code.reading import Reading, read
from learners.source_code.syntax import SYNTAXES
from learners.source_code.trees import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tree_sitter import Tree


def measure(code: str, language: str = "", file_path: str = "") -> CodeMeasures | None:
    """Return the measures of a text, or None if its language is not one that is measured.

    Args:
        language: Its name, or an alias like `py`, `ts`, `golang`; empty or unknown, the suffix
            decides.
        file_path: Of the text; nothing is read there.

    ``languages.unknown`` says in words what None means.
    """
    known = languages.find(language, file_path)
    if known is None:
        return None
    lines = code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    source = lines.encode("utf-8", "replace")
    grammar, tree = _parsed(source, languages.grammars(known, file_path))
    reading = read(source, tree, SYNTAXES[grammar], IS_TEST[known.name])
    hints = [each for unit in reading.functions for each in hinted(unit, grammar)]
    documents = list(documented(reading, tree.root_node))
    units = len(reading.functions) + len(reading.classes)
    complexities = _complexities(reading)
    return CodeMeasures(
        lines_of_code=_lines(reading),
        cyclomatic_complexity=sum(complexities),
        max_complexity=max(complexities),
        num_functions=len(reading.functions),
        num_classes=len(reading.classes),
        type_hint_coverage=_share(hints),
        docstring_coverage=_share(documents),
        num_tests=reading.tests,
        has_type_hints=units > 0 if reading.syntax.typed else reading.annotated,
        has_docstrings=any(documents),
        has_tests=reading.tests > 0,
        language=known.name,
        parsed=not (tree.root_node.has_error or reading.hollow),
    )


def _parsed(source: bytes, grammars: Sequence[str]) -> tuple[str, Tree]:
    """Return the first tree without errors, else the likeliest, and its grammar."""
    trees = dict[str, "Tree"]()
    for grammar in grammars:
        trees[grammar] = parse(source, grammar)
        if not trees[grammar].root_node.has_error:
            return grammar, trees[grammar]
    return grammars[0], trees[grammars[0]]


def _complexities(reading: Reading) -> Sequence[int]:
    found = [1 + function.decisions for function in reading.functions]
    if reading.outside or not found:
        found.append(1 + reading.outside)
    return found


def _share(whether: Iterable[bool]) -> float | None:
    counted = list(whether)
    return sum(counted) / len(counted) if counted else None


def _lines(reading: Reading) -> int:
    """Count the lines that are not empty when comments are blanked."""
    kept, at = list[bytes](), 0
    for start, end in reading.comments:
        if start >= at:
            newlines = reading.source.count(b"\n", start, end)
            kept += [reading.source[at:start], b"\n" * newlines]
            at = end
    kept.append(reading.source[at:])
    return sum(1 for line in b"".join(kept).split(b"\n") if line.strip())
