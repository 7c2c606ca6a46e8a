"""What the grammars call functions, classes, decisions and comments: a table for each language.

A decision is a place where control may go one of two ways: if, loop, case, catch, conditional
expression, `and`/`or` and their like, Rust's `?`. Not counted: else, default, finally, `?.`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Names = frozenset[str]


def _names(text: str) -> Names:
    return frozenset(text.split())


def _within(parents: str, tokens: str) -> dict[str, Names]:
    return dict.fromkeys(tokens.split(), _names(parents))


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """Names of nodes in a grammar, by what they mean to us.

    Attributes:
        functions: Have a name of their own.
        values: Expressions that make a function; ``holders`` are parents that give it a name.
        classes: With the parents under which they count; none is any.
        decisions: Of any parent.
        void: What the text of a decision begins with that decides nothing after all.
        tokens: Words and signs that decide, with the parents under which they do.
        comments: Of any kind.
        between: What may stand between documentation and what it documents.
        carriers: What may stand around a declaration, behind its documentation.
        document: What the text of a comment that documents looks like; None: docstrings do.
        touching: A comment documents only what follows in the next line.
        annotations: Types that somebody chose to write.
        typed: The language demands types.
        tests: Nodes that may be a test.
        filled: May not be empty, though the grammar lets it.
    """

    functions: Names
    values: Names = frozenset()
    holders: Names = frozenset()
    classes: Mapping[str, Names]
    decisions: Names
    void: Mapping[str, re.Pattern[bytes]] = field(default_factory=dict[str, re.Pattern[bytes]])
    tokens: Mapping[str, Names] = field(default_factory=dict[str, Names])
    comments: Names = frozenset({"comment"})
    between: Names = frozenset()
    carriers: Names = frozenset()
    document: re.Pattern[str] | None = None
    touching: bool = False
    annotations: Names = frozenset()
    typed: bool = False
    tests: Names
    filled: Names = frozenset()


PYTHON = Syntax(
    functions=_names("function_definition"),
    classes=_within("", "class_definition"),
    decisions=_names(
        "if_statement elif_clause conditional_expression for_statement while_statement "
        "for_in_clause if_clause boolean_operator except_clause case_clause"
    ),
    void={"case_clause": re.compile(rb"case\s+_\s*(:|if\b)")},
    annotations=_names("type"),
    tests=_names("function_definition"),
    filled=_names("block"),
)
JAVASCRIPT = Syntax(
    functions=_names("function_declaration generator_function_declaration method_definition"),
    values=_names("arrow_function function_expression generator_function"),
    holders=_names(
        "variable_declarator assignment_expression pair field_definition export_statement"
    ),
    classes=_within("", "class_declaration class"),
    decisions=_names(
        "if_statement ternary_expression for_statement for_in_statement while_statement "
        "do_statement switch_case catch_clause"
    ),
    tokens=_within("binary_expression", "&& || ??")
    | _within("augmented_assignment_expression", "&&= ||= ??="),
    between=_names("decorator"),
    carriers=_names(
        "export_statement lexical_declaration variable_declaration variable_declarator "
        "expression_statement assignment_expression pair field_definition"
    ),
    document=re.compile(r"/\*\*(?!/).*\w", re.DOTALL),
    tests=_names("call_expression"),
)
TYPESCRIPT = replace(
    JAVASCRIPT,
    holders=JAVASCRIPT.holders - {"field_definition"} | {"public_field_definition"},
    classes=_within(
        "",
        "class_declaration class abstract_class_declaration interface_declaration enum_declaration",
    ),
    carriers=JAVASCRIPT.carriers - {"field_definition"}
    | {"public_field_definition", "ambient_declaration"},
    annotations=_names("type_annotation type_predicate_annotation asserts_annotation"),
)
GO = Syntax(
    functions=_names("function_declaration method_declaration"),
    classes=_within("type_spec", "struct_type interface_type"),
    decisions=_names("if_statement for_statement expression_case type_case communication_case"),
    tokens=_within("binary_expression", "&& ||"),
    carriers=_names("type_spec type_declaration"),
    document=re.compile(r"//(?!go:|line |\s*\+build|nolint).*\w|/\*.*\w", re.DOTALL),
    touching=True,
    typed=True,
    tests=_names("function_declaration"),
)
JAVA = Syntax(
    functions=_names("method_declaration constructor_declaration compact_constructor_declaration"),
    classes=_within(
        "",
        "class_declaration interface_declaration enum_declaration record_declaration "
        "annotation_type_declaration",
    ),
    decisions=_names(
        "if_statement for_statement enhanced_for_statement while_statement do_statement "
        "catch_clause ternary_expression guard switch_label"
    ),
    void={"switch_label": re.compile(rb"default\b")},
    tokens=_within("binary_expression", "&& ||"),
    comments=_names("line_comment block_comment"),
    document=re.compile(r"/\*\*(?!/).*\w", re.DOTALL),
    typed=True,
    tests=_names("method_declaration"),
)
RUST = Syntax(
    functions=_names("function_item"),
    classes=_within("", "struct_item enum_item trait_item union_item"),
    decisions=_names(
        "if_expression while_expression for_expression loop_expression try_expression match_pattern"
    ),
    void={"match_pattern": re.compile(rb"_\s*(if\b|=)")},
    tokens=_within("binary_expression", "||")
    | _within("binary_expression let_chain", "&&")
    | _within("match_pattern", "if")
    | _within("let_declaration", "else"),
    comments=_names("line_comment block_comment"),
    between=_names("attribute_item"),
    document=re.compile(r"///(?!/).*\w|/\*\*(?![*/]).*\w", re.DOTALL),
    typed=True,
    tests=_names("function_item"),
)
# by grammar
SYNTAXES = {
    "python": PYTHON,
    "javascript": JAVASCRIPT,
    "typescript": TYPESCRIPT,
    "tsx": TYPESCRIPT,
    "go": GO,
    "java": JAVA,
    "rust": RUST,
}
