"""Measures of Java, counted by hand."""

import pytest

from learners.source_code.measure import measure
from learners.source_code.measures import CodeMeasures

CODE = """\
package shop;

import java.util.*;

/**
 * A basket.
 */
@Entity
public class Basket<T extends Item> extends Base implements Iterable<T> {
    private final List<T> items = new ArrayList<>(); // what is in it

    /* not a document */
    public Basket() {
        super(LIMIT > 1 ? LIMIT : 1);
    }

    /** Sum up. */
    @Override
    public int total(final int first, int... more) throws Gone {
        int sum = 0;
        for (T item : items) {
            if (item.price() > 0 && !item.gone() || first > 0) {
                sum += item.price();
            } else if (more == null) {
                continue;
            }
        }
        for (int i = 0; i < 3; i++) { do { i++; } while (i < 2); }
        return sum;
    }

    static String kind(Object o) {
        return switch (o) {
            case Integer i when i > 3 -> "big";
            case Integer i -> "small";
            case String s -> s;
            case null, default -> "";
        };
    }

    int old(int a) {
        switch (a) {
            case 1:
            case 2: return 1;
            default: break;
        }
        try {
            items.forEach(item -> { if (item == null) return; });
        } catch (IllegalStateException | Gone e) {
            while (a > 0) { a--; }
        } finally {
            a = 0;
        }
        return a;
    }

    interface Visitor { void visit(Item item); default int depth() { return 1; } }

    record Pair(int a, int b) { Pair { } }

    enum State { OPEN, CLOSED; boolean open() { return this == OPEN; } }

    @interface Slow { }

    @Test void empty() { }

    @Slow @org.junit.jupiter.api.ParameterizedTest @ValueSource(ints = {1, 2}) void some(int n) { }

    @BeforeEach void before() { }
}
"""


def test_a_java_file_has_the_measures_that_were_counted_by_hand() -> None:
    assert measure(CODE, "java") == CodeMeasures(
        # 70 lines, less 13 blank ones and 5 of nothing but comment
        lines_of_code=52,
        # the constructor 2 (?), total 8 (for, if, &&, ||, if, for, do), kind 6 (four cases with
        # `case null, default`, when), old 6 (two cases, if of the lambda, catch, while), depth,
        # Pair, open, empty, some and before 1 each
        cyclomatic_complexity=2 + 8 + 6 + 6 + 6 * 1,
        max_complexity=8,
        num_functions=10,  # visit has no body
        num_classes=5,
        type_hint_coverage=None,  # the language demands types
        docstring_coverage=2 / 15,  # Basket and total
        num_tests=2,
        has_type_hints=True,
        has_docstrings=True,
        has_tests=True,
        language="java",
        parsed=True,
    )


@pytest.mark.parametrize(
    ("code", "coverage"),
    [
        ("/** A. */ class A {}", 1.0),
        ("/** A. */\n@Deprecated\nclass A {}", 1.0),
        ("/** A. */\n// why\nclass A {}", 1.0),
        ("/* A. */ class A {}", 0.0),
        ("/** */ class A {}", 0.0),
        ("class A { /** x */ int x; void f() {} }", 0.0),
        ("import a.B;", None),
    ],
)
def test_a_comment_of_two_stars_documents_what_follows(code: str, coverage: float | None) -> None:
    found = measure(code, "java")
    assert found is not None
    assert (found.docstring_coverage, found.has_docstrings) == (coverage, bool(coverage))


@pytest.mark.parametrize("code", ["class A {", "class A { void f( { } }", "int x = ;"])
def test_a_text_that_is_no_java_is_told(code: str) -> None:
    found = measure(code, "java")
    assert found is not None
    assert not found.parsed
