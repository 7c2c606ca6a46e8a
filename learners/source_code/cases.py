"""What is a test, by the custom of each language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from learners.source_code.reading import IsTest, Reading

CALL = re.compile(
    rb"(Deno\.)?(it|test|fit|xit|xtest|specify)"
    rb"(\s*\.\s*(only|skip|concurrent|sequential|failing|fails|todo|each|for|runIf|skipIf))*"
    rb"\s*($|[(`])"
)
ANNOTATIONS = {b"Test", b"ParameterizedTest", b"RepeatedTest", b"TestFactory", b"TestTemplate"}
GO_NAME = re.compile(rb"(Test|Fuzz)($|[^a-z])")
GO_PARAMETER = re.compile(rb"\(\s*\w+\s+\*\s*testing\.[TF]\s*,?\s*\)")
RUST_ATTRIBUTE = re.compile(rb"#\s*\[\s*(\w+\s*::\s*)*(test|rstest|test_case|quickcheck)\b")


def _python(node: Node, above: Sequence[Node], _: Reading) -> bool:
    """Pytest and unittest: `test...`, in a module or in a class that is named for tests."""
    if not _text(node, "name").startswith(b"test"):
        return False
    if any(around.type == "function_definition" for around in above):
        return False
    inner = next((around for around in reversed(above) if around.type == "class_definition"), None)
    return inner is None or (
        _text(inner, "name").startswith(b"Test")
        or re.search(rb"Test(Case)?\b", _text(inner, "superclasses")) is not None
    )


def _javascript(node: Node, _: Sequence[Node], __: Reading) -> bool:
    """Jest, Vitest, Mocha, Jasmine, Playwright, node:test, Deno: `it("does", () => ...)`."""
    given = node.child_by_field_name("arguments")
    if given is None or given.type != "arguments" or given.named_child_count < 2:
        return False
    if given.named_children[0].type not in {"string", "template_string"}:
        return False
    return CALL.match(_text(node, "function")) is not None


def _go(node: Node, _: Sequence[Node], __: Reading) -> bool:
    """The go command: `TestX(t *testing.T)` and `FuzzX(f *testing.F)`."""
    return bool(
        GO_NAME.match(_text(node, "name")) and GO_PARAMETER.fullmatch(_text(node, "parameters"))
    )


def _java(node: Node, _: Sequence[Node], __: Reading) -> bool:
    """JUnit and TestNG: a method annotated `@Test` or one of its kin."""
    return any(
        _text(each, "name").rpartition(b".")[2] in ANNOTATIONS
        for modifiers in node.children[:1]
        for each in modifiers.named_children
        if each.type in {"marker_annotation", "annotation"}
    )


def _rust(node: Node, _: Sequence[Node], reading: Reading) -> bool:
    """Cargo: a function with `#[test]`, `#[tokio::test]` or one of their kin."""
    return any(
        each.type == "attribute_item" and RUST_ATTRIBUTE.match(each.text or b"")
        for each in reading.before(node.start_byte)
    )


def _text(node: Node, name: str) -> bytes:
    child = node.child_by_field_name(name)
    return child.text or b"" if child is not None else b""


# by language
IS_TEST: dict[str, IsTest] = {
    "python": _python,
    "javascript": _javascript,
    "typescript": _javascript,
    "go": _go,
    "java": _java,
    "rust": _rust,
}
