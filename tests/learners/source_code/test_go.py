"""Measures of Go, counted by hand."""

import pytest

from learners.source_code.measure import measure
from learners.source_code.measures import CodeMeasures

CODE = """\
// Package store keeps things.
package store

import (
	"errors"
	"testing"
)

// ErrGone says that
// there is nothing.
var ErrGone = errors.New("gone")

// Store keeps.
type Store struct {
	items map[string]int // by name
}

type (
	// Getter gets.
	Getter interface {
		Get(name string) (int, error)
	}

	plain struct{}
	State int
)

// Get returns one.
func (s *Store) Get(name string) (int, error) {
	if value, ok := s.items[name]; ok && value > 0 {
		return value, nil
	} else if name == "" || s == nil {
		return 0, ErrGone
	}
	return 0, nil
}

/* Kind tells. */
func Kind(x any) string {
	switch v := x.(type) {
	case int, int64:
		return "number"
	case string:
		return v
	default:
		return ""
	}
}

//go:noinline
func wait(c, d chan int) {
	for {
		select {
		case <-c:
			go func() {
				if true {
					d <- 1
				}
			}()
		case <-d:
			return
		}
	}
}

func TestGet(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {})
	}
}

func FuzzGet(f *testing.F) {}

func TestMain(m *testing.M) {}

func Testify(t *testing.T) {}
"""


def test_a_go_file_has_the_measures_that_were_counted_by_hand() -> None:
    assert measure(CODE, "go") == CodeMeasures(
        # 76 lines, less 12 blank ones and 8 of nothing but comment
        lines_of_code=56,
        # Get 5 (if, &&, if, ||), Kind 3 (two cases), wait 5 (for, two cases, if of the function
        # without a name), TestGet 2, FuzzGet 1, TestMain 1, Testify 1
        cyclomatic_complexity=5 + 3 + 5 + 2 + 1 + 1 + 1,
        max_complexity=5,
        num_functions=7,
        num_classes=3,  # Store, Getter, plain; State is a number
        type_hint_coverage=None,  # the language demands types
        # Store, Getter, Get, Kind; not plain, wait (a directive), the three tests, Testify
        docstring_coverage=4 / 10,
        num_tests=2,  # TestGet and FuzzGet; TestMain runs tests, Testify goes on in lower case
        has_type_hints=True,
        has_docstrings=True,
        has_tests=True,
        language="go",
        parsed=True,
    )


@pytest.mark.parametrize(
    ("code", "coverage"),
    [
        ("package a\n// F does.\nfunc F() {}", 1.0),
        ("package a\n// F does\n// much.\nfunc F() {}", 1.0),
        ("package a\n// far\n\nfunc F() {}", 0.0),
        ("package a\nvar x = 1 // trailing\nfunc F() {}", 0.0),
        ("package a\n//nolint\nfunc F() {}", 0.0),
        ("package a\n// T is.\ntype T struct{}", 1.0),
        ("package a\ntype T int", None),
        ("package a\nvar x struct{}", None),
    ],
)
def test_a_comment_documents_what_it_touches(code: str, coverage: float | None) -> None:
    found = measure(code, "go")
    assert found is not None
    assert (found.docstring_coverage, found.has_docstrings) == (coverage, bool(coverage))


@pytest.mark.parametrize("code", ["func F( {", "package a\nfunc F() { if }", "package a\nx := 1 +"])
def test_a_text_that_is_no_go_is_told(code: str) -> None:
    found = measure(code, "golang")
    assert found is not None
    assert not found.parsed


def test_a_function_without_a_body_is_written_in_another_language() -> None:
    found = measure("package a\nfunc F(x int) int", "go")
    assert found is not None
    assert (found.num_functions, found.has_type_hints, found.parsed) == (0, False, True)
