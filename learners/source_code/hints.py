"""Which parameters and returns have a type, in the languages that leave the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from learners.source_code.reading import Unit

RECEIVERS = {b"self", b"cls", b"mcs", b"mcls", b"metacls"}
BARE = {"identifier", "default_parameter", "list_splat_pattern", "dictionary_splat_pattern"}
TYPED = {"typed_parameter", "typed_default_parameter"}


def hinted(unit: Unit, grammar: str) -> Iterator[bool]:
    """Yield for every parameter and return of a function whether it has a type."""
    if grammar == "python":
        yield from _python(unit.node)
    elif grammar in {"typescript", "tsx"} and unit.named:
        yield from _typescript(unit)


def _python(function: Node) -> Iterator[bool]:
    """Yield all but the receiver and the return of `__init__`, whose types are known."""
    parameters = function.child_by_field_name("parameters")
    given = [
        each for each in (parameters.named_children if parameters else ()) if each.type != "comment"
    ]
    for number, each in enumerate(given):
        if number == 0 and _name(each) in RECEIVERS:
            continue
        if each.type in BARE | TYPED:
            yield each.type in TYPED
    name = function.child_by_field_name("name")
    if name is None or name.text != b"__init__":
        yield function.child_by_field_name("return_type") is not None


def _name(parameter: Node) -> bytes | None:
    return parameter.named_children[0].text if parameter.named_children else parameter.text


def _typescript(unit: Unit) -> Iterator[bool]:
    """Yield all but the returns of constructors and setters, which have none.

    What holds the function may have its type (`const App: FC<Props> = ...`); members of an object
    take theirs from the object and are left out.
    """
    function, parent = unit.node, unit.parent
    if parent is not None and parent.type in {"pair", "object"}:
        return
    whole = parent is not None and parent.child_by_field_name("type") is not None
    parameters = function.child_by_field_name("parameters")
    for each in parameters.named_children if parameters else ():
        if each.type in {"required_parameter", "optional_parameter"}:
            yield whole or each.child_by_field_name("type") is not None
    if function.child_by_field_name("parameter") is not None:
        yield whole  # `x => x` leaves no room for a type
    name = function.child_by_field_name("name")
    sets = any(child.type == "set" for child in function.children)
    if not sets and (name is None or name.text != b"constructor"):
        yield whole or function.child_by_field_name("return_type") is not None
