"""Measures of Rust, counted by hand."""

import pytest

from learners.source_code.measure import measure
from learners.source_code.measures import CodeMeasures

CODE = """\
//! A queue.
use std::fmt;

/// What waits.
#[derive(Debug, Clone)]
pub struct Queue<T> {
    items: Vec<T>, // oldest first
}

/** How it went. */
pub enum Outcome { Done, Failed(String) }

// no document
trait Run {
    fn run(&self) -> Outcome;
    /// By default.
    fn twice(&self) -> Outcome { self.run(); self.run() }
}

impl<T: Run> Queue<T> {
    /// Take one.
    #[inline]
    pub fn take(&mut self, n: usize) -> Result<Option<T>, fmt::Error> {
        if n > 1 && !self.items.is_empty() || n == 0 {
            let found = self.find(n)?;
            return Ok(Some(found));
        } else if let Some(item) = self.items.pop() {
            return Ok(Some(item));
        }
        Ok(None)
    }

    fn kind(&self, outcome: &Outcome) -> u8 {
        let Some(first) = self.items.first() else { return 9 };
        match outcome {
            Outcome::Done => 0,
            Outcome::Failed(why) if why.is_empty() => 1,
            Outcome::Failed(_) | Outcome::Done => 2,
            _ => 3,
        }
    }

    fn all(&self) {
        for item in &self.items {
            loop {
                while item.busy() {}
                let late = |n: u8| if n > 1 { n } else { 0 };
                break;
            }
        }
        assert!(true && false);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes() {}

    /// Slowly.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore]
    async fn it_waits() {}

    fn helper() {}
}
"""


def test_a_rust_file_has_the_measures_that_were_counted_by_hand() -> None:
    assert measure(CODE, "rust") == CodeMeasures(
        # 66 lines, less 9 blank ones and 7 of nothing but comment
        lines_of_code=50,
        # twice 1, take 6 (if, &&, ||, ?, if), kind 6 (else of let, three arms, if; not _), all 5
        # (for, loop, while, if of the closure; what is in a macro is not read), it_takes 1,
        # it_waits 1, helper 1
        cyclomatic_complexity=1 + 6 + 6 + 5 + 1 + 1 + 1,
        max_complexity=6,
        num_functions=7,  # run has no body
        num_classes=3,
        type_hint_coverage=None,  # the language demands types
        # Queue, Outcome, twice, take, it_waits; not Run, kind, all, it_takes, helper
        docstring_coverage=5 / 10,
        num_tests=2,
        has_type_hints=True,
        has_docstrings=True,
        has_tests=True,
        language="rust",
        parsed=True,
    )


@pytest.mark.parametrize(
    ("code", "coverage"),
    [
        ("/// Do.\nfn f() {}", 1.0),
        ("/// Do.\n#[inline]\n// why\n#[cold]\npub fn f() {}", 1.0),
        ("// Do.\nfn f() {}", 0.0),
        ("//// Do.\nfn f() {}", 0.0),
        ("//! Do.\nfn f() {}", 0.0),
        ("///\nfn f() {}", 0.0),
        ("/// Do.\nuse a::b;\nfn f() {}", 0.0),
        ("mod a {}", None),
    ],
)
def test_a_comment_of_three_strokes_documents_what_follows(
    code: str, coverage: float | None
) -> None:
    found = measure(code, "rs")
    assert found is not None
    assert (found.docstring_coverage, found.has_docstrings) == (coverage, bool(coverage))


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ("#[test]\nfn f() {}", 1),
        ("#[rstest]\n#[case(1)]\nfn f(a: u8) {}", 1),
        ("#[ test ] fn f() {} fn g() {}", 1),
        ("#[cfg(test)]\nfn f() {}", 0),
        ("#[testing]\nfn f() {}", 0),
        ("fn test() {}", 0),
    ],
)
def test_tests_are_what_the_attribute_says(code: str, tests: int) -> None:
    found = measure(code, "rs")
    assert found is not None
    assert (found.num_tests, found.has_tests) == (tests, tests > 0)


@pytest.mark.parametrize("code", ["fn f( {", "fn f() { let x = ; }", "struct A {"])
def test_a_text_that_is_no_rust_is_told(code: str) -> None:
    found = measure(code, "rs")
    assert found is not None
    assert not found.parsed
