"""The syntax tree of a text, and a walk over it that is linear in its nodes.

Neither queries nor `parent` and `prev_sibling` are used: on a node of 100,000 children, as
unbalanced brackets make one, they take seconds where the walk takes hundredths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language, Node, Tree


def load(grammar: str) -> Language:
    """Return a grammar; imports the one that is asked for and no other."""
    from tree_sitter import Language

    return Language(_pointer(grammar))


def _pointer(grammar: str) -> object:
    if grammar == "python":
        from tree_sitter_python import language
    elif grammar == "javascript":
        from tree_sitter_javascript import language
    elif grammar == "typescript":
        from tree_sitter_typescript import language_typescript as language
    elif grammar == "tsx":
        from tree_sitter_typescript import language_tsx as language
    elif grammar == "go":
        from tree_sitter_go import language
    elif grammar == "java":
        from tree_sitter_java import language
    else:
        from tree_sitter_rust import language
    return language()


def parse(source: bytes, grammar: str) -> Tree:
    """Return the tree of a text in UTF-8; where it has errors, of what could be read."""
    from tree_sitter import Parser

    return Parser(load(grammar)).parse(source)


def walk(tree: Tree) -> Iterator[tuple[Node, list[Node]]]:
    """Yield every node, parents first, with its ancestors; the list changes as the walk goes on."""
    cursor = tree.walk()
    above: list[Node] = []
    while (node := cursor.node) is not None:
        yield node, above
        if cursor.goto_first_child():
            above.append(node)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            above.pop()
