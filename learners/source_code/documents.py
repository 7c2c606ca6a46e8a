"""Which functions, classes and modules say what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from learners.source_code.reading import Reading, Unit


def documented(reading: Reading, root: Node) -> Iterator[bool]:
    """Yield for everything that could be documented whether it is."""
    units = [unit for unit in (*reading.functions, *reading.classes) if unit.named]
    if reading.syntax.document is not None:
        yield from (_comment_before(reading, unit) for unit in units)
        return
    yield from (_docstring(unit.node.child_by_field_name("body")) for unit in units)
    if _first(root) is not None:
        yield _docstring(root)


def _comment_before(reading: Reading, unit: Unit) -> bool:
    return any(_ends_in_document(reading, start) for start in unit.starts)


def _ends_in_document(reading: Reading, start: int) -> bool:
    syntax = reading.syntax
    for node in reading.before(start):
        if syntax.touching and not _touches(reading.source, node, start):
            return False
        text = (node.text or b"").decode("utf-8", "replace")
        if node.type in syntax.comments and syntax.document and syntax.document.match(text):
            return True
        start = node.start_byte
    return False


def _touches(source: bytes, node: Node, start: int) -> bool:
    """Say whether a comment has its lines for itself, directly above."""
    line = source.rfind(b"\n", 0, node.start_byte) + 1
    alone = not source[line : node.start_byte].strip()
    return alone and source.count(b"\n", node.end_byte, start) <= 1


def _docstring(block: Node | None) -> bool:
    """Say whether a body begins with a string that is not empty and nothing is put into."""
    statement = _first(block) if block is not None else None
    if statement is None or statement.type != "expression_statement":
        return False
    text = statement.children[0]
    if text.type == "concatenated_string":
        text = text.named_children[0]
    if text.type != "string":
        return False
    opening, *rest = text.children
    content = b"".join(part.text or b"" for part in rest if part.type == "string_content")
    return not {*(opening.text or b"").lower()} & {*b"fbt"} and bool(content.strip())


def _first(block: Node) -> Node | None:
    """Return the first statement."""
    return next((each for each in block.named_children if each.type != "comment"), None)
