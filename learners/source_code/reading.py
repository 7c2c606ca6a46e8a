"""One pass over a tree: functions and classes, their decisions, comments, and where they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from learners.source_code.trees import walk

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

    from learners.source_code.syntax import Syntax

BLANK = b" \t\n\r\f\v"
HEAD = 64  # bytes of a decision that tell whether it is one

IsTest = Callable[["Node", "Sequence[Node]", "Reading"], bool]


@dataclass(slots=True)
class Unit:
    """A function or a class.

    Attributes:
        parent: The node around it.
        starts: Bytes before which its documentation may end: its own, and those of its carriers.
        named: False of a function without a name.
        decisions: In it, without those in functions inside it.
    """

    node: Node
    parent: Node | None
    starts: tuple[int, ...]
    named: bool
    decisions: int = 0


@dataclass(slots=True)
class Reading:
    """What was found in a text.

    Attributes:
        outside: Decisions outside every function.
        comments: First byte and the one behind the last, in order, docstrings among them.
        ends: Comments, attributes and decorators by the byte behind their last that is not blank.
        annotated: Somebody chose to write a type.
        tests: How many.
        hollow: Something is empty that may not be.
    """

    source: bytes
    syntax: Syntax
    is_test: IsTest
    functions: list[Unit] = field(default_factory=list[Unit])
    classes: list[Unit] = field(default_factory=list[Unit])
    outside: int = 0
    comments: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    ends: dict[int, Node] = field(default_factory=dict[int, "Node"])
    annotated: bool = False
    tests: int = 0
    hollow: bool = False
    _open: list[Unit] = field(default_factory=list[Unit])

    def before(self, start: int) -> Iterator[Node]:
        """Yield comments and attributes that stand directly before a byte, the nearest first."""
        while (node := self.ends.get(self.trimmed(start))) is not None:
            yield node
            start = node.start_byte

    def trimmed(self, end: int) -> int:
        """Return where the text up to a byte ends if blanks are left out."""
        while end and self.source[end - 1] in BLANK:
            end -= 1
        return end

    def see(self, node: Node, above: Sequence[Node]) -> None:
        """Take note of a node."""
        kind, syntax = node.type, self.syntax
        if kind in syntax.comments:
            self._comment(node)
        elif kind in syntax.between:
            self.ends[self.trimmed(node.end_byte)] = node
        elif kind in syntax.decisions or kind in syntax.tokens:
            self._decision(node, above)
        elif kind in syntax.functions or kind in syntax.values:
            self._function(node, above)
        elif kind in syntax.classes and node.is_named:
            self._class(node, above)
        elif kind in syntax.annotations and node.is_named:
            self.annotated = True
        elif kind in syntax.filled and node.start_byte == node.end_byte:
            self.hollow = True
        elif kind == "expression_statement" and syntax.document is None:
            self._statement(node)
        if kind in syntax.tests and self.is_test(node, above, self):
            self.tests += 1

    def _comment(self, node: Node) -> None:
        self.comments.append((node.start_byte, node.end_byte))
        self.ends[self.trimmed(node.end_byte)] = node

    def _statement(self, node: Node) -> None:
        """A string that nothing is done with is a comment."""
        if node.child_count == 1 and node.children[0].type in {"string", "concatenated_string"}:
            self.comments.append((node.start_byte, node.end_byte))

    def _decision(self, node: Node, above: Sequence[Node]) -> None:
        kind = node.type
        if kind in self.syntax.tokens:
            counts = bool(above) and above[-1].type in self.syntax.tokens[kind]
        else:
            void = self.syntax.void.get(kind)
            head = self.source[node.start_byte : node.start_byte + HEAD]
            counts = not (void and void.match(head))
        if not counts:
            return
        if inner := self._innermost(node):
            inner.decisions += 1
        else:
            self.outside += 1

    def _innermost(self, node: Node) -> Unit | None:
        while self._open and self._open[-1].node.end_byte <= node.start_byte:
            self._open.pop()
        return self._open[-1] if self._open else None

    def _function(self, node: Node, above: Sequence[Node]) -> None:
        body = node.child_by_field_name("body")
        named = node.type in self.syntax.functions or above[-1].type in self.syntax.holders
        if body is None or not (named or body.type == "statement_block"):
            return
        self._innermost(node)
        self.functions.append(self._unit(node, above, named=named))
        self._open.append(self.functions[-1])

    def _class(self, node: Node, above: Sequence[Node]) -> None:
        parents = self.syntax.classes[node.type]
        if not parents or above[-1].type in parents:
            self.classes.append(self._unit(node, above, named=True))

    def _unit(self, node: Node, above: Sequence[Node], *, named: bool) -> Unit:
        starts = [node.start_byte]
        for around in reversed(above):
            if around.type not in self.syntax.carriers:
                break
            starts.append(around.start_byte)
        return Unit(node, above[-1] if above else None, tuple(dict.fromkeys(starts)), named)


def read(source: bytes, tree: Tree, syntax: Syntax, is_test: IsTest) -> Reading:
    """Return what is found in the tree of a text."""
    reading = Reading(source, syntax, is_test)
    for node, above in walk(tree):
        reading.see(node, above)
    return reading
