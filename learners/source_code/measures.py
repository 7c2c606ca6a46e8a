"""What is counted in a file of source code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMeasures:
    """Counts and shares of one file.

    A function has a body, and a name; in JavaScript and TypeScript one without a name is counted,
    too, when its body is a block, because handlers and tests are written so there. Elsewhere what
    has no name (a lambda, a closure) belongs to what surrounds it.

    Attributes:
        lines_of_code: Lines that hold more than blanks, comments and docstrings.
        cyclomatic_complexity: The sum over functions of one plus its decisions, at least 1. Code
            outside every function counts as one more of them if it decides something.
        max_complexity: Of the most complex of these, at least 1.
        num_functions: Functions, methods and constructors, nested ones too.
        num_classes: Classes, and what other languages have for them: interfaces, structs, enums,
            traits, records.
        type_hint_coverage: The share, 0 to 1, of parameters and returns of named functions that
            have a type, where the author may choose. None where there is nothing to choose: no
            function, or a language that demands types (Go, Java, Rust) or has none (JavaScript).
            A 1.0 there would praise an author for what the compiler did.
        docstring_coverage: The share, 0 to 1, of named functions and classes (and, in Python,
            of the module) that say what they are for. None if there is none.
        num_tests: Tests by the custom of the language; a parametrized one is one.
        has_type_hints: Some type is written down; in Go, Java and Rust, where there is a function
            or class.
        has_docstrings: One at least of what could be is documented.
        has_tests: ``num_tests`` is not 0.
        language: The language it was read as.
        parsed: False if the text has syntax errors: then the counts are of what could be read.
    """

    lines_of_code: int
    cyclomatic_complexity: int
    max_complexity: int
    num_functions: int
    num_classes: int
    type_hint_coverage: float | None
    docstring_coverage: float | None
    num_tests: int
    has_type_hints: bool
    has_docstrings: bool
    has_tests: bool
    language: str
    parsed: bool
