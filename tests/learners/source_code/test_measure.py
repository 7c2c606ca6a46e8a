"""Laws of measuring in every language, and what becomes of texts that are hardly code."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.source_code import languages
from learners.source_code.measure import measure
from learners.source_code.measures import CodeMeasures
from learners.source_code.syntax import SYNTAXES
from learners.source_code.trees import load


class Way(NamedTuple):
    """How a language writes a function whose decisions are to come, and a remark."""

    function: str
    decision: str
    remark: str
    head: str = ""


WAYS = {
    "python": Way("def {name}(a):\n    x = 1\n{body}\n", "    if a or x: x = 2", "# so"),
    "javascript": Way("function {name}(a) {{\n{body}\n}}\n", "  if (a || 1) run();", "// so"),
    "typescript": Way(
        "function {name}(a: any) {{\n{body}\n}}\n", "  if (a || 1) run();", "/* so */"
    ),
    "go": Way(
        "func {name}(a bool) {{\n{body}\n}}\n", "  if a || b {{ run() }}", "// so", "package a\n"
    ),
    "java": Way("class {name} {{ void f() {{\n{body}\n}} }}\n", "  if (a || b) run();", "/* so */"),
    "rust": Way("fn {name}(a: bool) {{\n{body}\n}}\n", "  if a || b {{ run() }}", "// so"),
}
EACH = pytest.mark.parametrize("language", sorted(WAYS))
DECISIONS = st.lists(st.integers(0, 3), min_size=1, max_size=5)


def written(language: str, decisions: list[int]) -> list[str]:
    """Return one function for each number of decisions."""
    way = WAYS[language]
    return [
        way.function.format(
            name=f"F{number}", body="\n".join([way.decision.format()] * many) or "  " + way.remark
        )
        for number, many in enumerate(decisions)
    ]


def measured(code: str, language: str) -> CodeMeasures:
    found = measure(code, language)
    assert found is not None
    return found


@EACH
@given(decisions=DECISIONS)
def test_complexity_is_that_of_the_functions_together(language: str, decisions: list[int]) -> None:
    found = measured(WAYS[language].head + "".join(written(language, decisions)), language)
    assert found.parsed
    assert found.num_functions == len(decisions)
    assert found.cyclomatic_complexity == sum(1 + 2 * many for many in decisions)
    assert found.max_complexity == 1 + 2 * max(decisions)


@EACH
@given(decisions=DECISIONS, rest=st.lists(st.sampled_from(["", " ", "\t", "so"]), max_size=5))
def test_blank_lines_and_remarks_at_the_end_change_nothing(
    language: str, decisions: list[int], rest: list[str]
) -> None:
    way = WAYS[language]
    code = way.head + "".join(written(language, decisions))
    more = "\n".join(way.remark if line == "so" else line for line in rest)
    assert measured(code + more, language) == measured(code, language)


@EACH
@given(decisions=DECISIONS, data=st.data())
def test_the_order_of_functions_does_not_matter(
    language: str, decisions: list[int], data: st.DataObject
) -> None:
    functions = written(language, decisions)
    moved = data.draw(st.permutations(functions))
    head = WAYS[language].head
    assert measured(head + "".join(moved), language) == measured(
        head + "".join(functions), language
    )


@EACH
def test_line_endings_and_a_byte_order_mark_do_not_matter(language: str) -> None:
    code = WAYS[language].head + f"{WAYS[language].remark}\n" + "".join(written(language, [1, 2]))
    for other in (code.replace("\n", "\r\n"), code.replace("\n", "\r"), "\ufeff" + code):
        assert measured(other, language) == measured(code, language)


@EACH
def test_a_text_with_nothing_in_it_has_nothing_to_praise(language: str) -> None:
    for nothing in ("", "\n \n", WAYS[language].remark):
        assert measured(nothing, language) == CodeMeasures(
            lines_of_code=0, cyclomatic_complexity=1, max_complexity=1, num_functions=0,
            num_classes=0, type_hint_coverage=None, docstring_coverage=None, num_tests=0,
            has_type_hints=False, has_docstrings=False, has_tests=False, language=language,
            parsed=True,
        )  # fmt: skip


@EACH
def test_code_outside_functions_counts_as_one_if_it_decides(language: str) -> None:
    flat = {
        "go": "package a\nvar x = a || b && c",
        "java": "class A { int x = a || b ? 1 : 2; }",
        "rust": "const X: bool = A || B && C;",
    }
    code = flat.get(language, WAYS[language].head + WAYS[language].decision.format().strip())
    alone = measured(code, language)
    assert alone.parsed
    assert (alone.num_functions, alone.cyclomatic_complexity) == (0, 3)
    both = measured(code + "\n" + "".join(written(language, [2])), language)
    assert (both.cyclomatic_complexity, both.max_complexity) == (3 + 5, 5)


@EACH
@given(st.text(max_size=200))
def test_any_text_is_measured(language: str, text: str) -> None:
    found = measured(text, language)
    assert 1 <= found.max_complexity <= found.cyclomatic_complexity
    assert 0 <= found.lines_of_code <= text.count("\n") + text.count("\r") + 1


HARD = {
    "brackets": "([{" * 33_000,
    "open brackets": "(" * 100_000,
    "closed brackets": "(" * 50_000 + ")" * 50_000,
    "nul": "\0" * 1000,
    "nul in a name": "x\0y = 1",
    "letters of other alphabets": "größe = '金' # 🙂\n" * 1000,
    "half a letter": "x = '\ud800'",
    "a long line": "x = '" + "a" * 500_000 + "'",
    "a long name": "a" * 500_000,
    "strokes": "/" * 100_000,
    "comments": "// a\n# b\n" * 1000,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
@EACH
def test_hard_texts_are_measured(language: str, text: str) -> None:
    found = measured(text, language)
    assert found.lines_of_code <= text.count("\n") + 1
    assert found.num_functions == 0


def test_names_in_other_alphabets_are_names() -> None:
    found = measured("def größe(höhe: int) -> int:\n    '''高さ'''\n    return höhe", "python")
    assert (found.parsed, found.docstring_coverage, found.type_hint_coverage) == (True, 0.5, 1.0)


@pytest.mark.parametrize(
    ("language", "path", "expected"),
    [
        ("python", "", "python"),
        (" Py ", "", "python"),
        ("TS", "", "typescript"),
        ("tsx", "", "typescript"),
        ("golang", "", "go"),
        ("rs", "", "rust"),
        ("", "src/app.mjs", "javascript"),
        ("", "C:\\src\\App.JAVA", "java"),
        ("", "a.b/types.d.ts", "typescript"),
        ("django", "views.py", "python"),
        ("javascript", "App.ts", "javascript"),
    ],
)
def test_a_language_is_found_by_its_name_else_by_the_suffix(
    language: str, path: str, expected: str
) -> None:
    found = measure("", language, path)
    assert found is not None
    assert found.language == expected


@pytest.mark.parametrize(
    ("language", "path", "words"),
    [
        ("cobol", "", "language 'cobol' is not known"),
        ("", "a.cob", "file suffix 'cob' is not known"),
        ("cobol", "a", "language 'cobol' with file suffix '' is not known"),
        ("", "go.d/python", "file suffix '' is not known"),
        (" ", "", "neither language nor file is named"),
        ("x" * 99, "", f"language {'x' * 40!r} is not known"),
    ],
)
def test_an_unknown_language_is_not_measured_and_the_known_are_named(
    language: str, path: str, words: str
) -> None:
    assert measure("x = 1", language, path) is None
    assert languages.unknown(language, path) == (
        f"the code is not measured: {words}. Name the language, one of python, javascript, "
        "typescript, go, java, rust, or the file"
    )


@pytest.mark.parametrize("grammar", sorted(SYNTAXES))
def test_every_name_in_a_table_is_one_of_the_grammar(grammar: str) -> None:
    syntax, known = SYNTAXES[grammar], load(grammar)
    named = {
        *syntax.functions, *syntax.values, *syntax.holders, *syntax.classes, *syntax.decisions,
        *syntax.void, *syntax.comments, *syntax.between, *syntax.carriers, *syntax.annotations,
        *syntax.tests, *syntax.filled,
        *(parent for parents in syntax.tokens.values() for parent in parents),
        *(parent for parents in syntax.classes.values() for parent in parents),
    }  # fmt: skip
    assert {name for name in named if not known.id_for_node_kind(name, True)} == set()
    assert {name for name in syntax.tokens if not known.id_for_node_kind(name, False)} == set()
    assert syntax.void.keys() <= syntax.decisions
