"""Measures of JavaScript, counted by hand."""

import pytest

from learners.source_code.measure import measure
from learners.source_code.measures import CodeMeasures

CODE = """\
// A cart, and who serves it.
import express from "express";

/* eslint-disable no-console */
const LIMIT = 10 ?? 12;

/** What was put into it. */
export class Cart {
  #lines = [];

  constructor(lines) { this.#lines = lines || []; }

  /** Sum the prices. */
  get total() {
    let sum = 0;
    for (const line of this.#lines) {
      if (line.price > 0 && !line.gone) sum += line.price;
    }
    return sum;
  }

  clear = () => { this.#lines = []; };
}

/**
 * Say what kind it is.
 */
export const kind = (cart) => {
  switch (cart.total) {
    case 0:
      return "empty"; // nothing
    case 1:
    case 2:
      return "small";
    default:
      return cart.total > LIMIT ? "big" : "middle";
  }
};

const app = express();
app.get("/", async (request, response) => {
  try {
    response.json(await load(request?.id));
  } catch (error) {
    console.error(`failed: ${error ? error.message : "?"}`);
  }
});

function* load(id) {
  id ??= 1;
  do { yield id; } while (id--);
  return [1, 2].map((each) => each && id);
}

describe("cart", () => {
  it("is empty", () => {
    expect(kind(new Cart())).toBe("empty");
  });
  test.each([1, 2])("is small %d", function (n) {
    expect(/small/.test(kind(n))).toBe(true);
  });
});
"""


def test_a_javascript_file_has_the_measures_that_were_counted_by_hand() -> None:
    assert measure(CODE, "javascript") == CodeMeasures(
        # 62 lines, less 9 blank ones and 7 of nothing but comment
        lines_of_code=46,
        # constructor 2 (||), total 4 (for, if, &&), clear 1, kind 5 (three cases, ?), the handler
        # 3 (catch, ?), load 4 (??=, do, && of its callback, which has no block), describe 1,
        # it 1, test 1, outside 2 (??)
        cyclomatic_complexity=2 + 4 + 1 + 5 + 3 + 4 + 1 + 1 + 1 + 2,
        max_complexity=5,
        num_functions=9,
        num_classes=1,
        type_hint_coverage=None,  # there are none in the language
        docstring_coverage=3 / 6,  # Cart, total, kind; not constructor, clear, load
        num_tests=2,  # it, test.each; not /small/.test(...), not describe
        has_type_hints=False,
        has_docstrings=True,
        has_tests=True,
        language="javascript",
        parsed=True,
    )


@pytest.mark.parametrize(
    ("code", "functions"),
    [
        ("function f() {}", 1),
        ("exports.f = async function () {};", 1),
        ("const f = x => x;", 1),
        ("const o = { m() {}, n: () => 1, get z() { return 1; } };", 3),
        ("export default () => 1;", 1),
        ("class A { static m() {} #p() {} static { } }", 2),
        ("useEffect(() => { go(); });", 1),
        ("list.map(x => x.id);", 0),
        ("const f = g;", 0),
    ],
)
def test_a_function_has_a_name_or_a_block(code: str, functions: int) -> None:
    found = measure(code, "js")
    assert found is not None
    assert found.num_functions == functions


@pytest.mark.parametrize(
    ("code", "coverage"),
    [
        ("/** Do. */\nfunction f() {}", 1.0),
        ("/** Do. */\n\n// eslint-disable-next-line\nexport default function f() {}", 1.0),
        ("/** Do. */\nexports.f = () => {};", 1.0),
        ("const o = {\n  /** Do. */\n  f: () => {},\n};", 1.0),
        ("class A { /** Do. */ f() {} }", 0.5),
        ("/* Do. */\nfunction f() {}", 0.0),
        ("// Do.\nfunction f() {}", 0.0),
        ("/** */\nfunction f() {}", 0.0),
        ("/** Do. */\ngo();\nfunction f() {}", 0.0),
        ("/** Do. */\ngo(() => {});", None),
    ],
)
def test_a_comment_of_two_stars_documents_what_follows(code: str, coverage: float | None) -> None:
    found = measure(code, "js")
    assert found is not None
    assert (found.docstring_coverage, found.has_docstrings) == (coverage, bool(coverage))


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ('it("does", () => {});', 1),
        ("it.skip('does', () => {});", 1),
        ("test.concurrent.each`a`(`does`, () => {});", 1),
        ('Deno.test("does", () => {});', 1),
        ('test("does", { timeout: 1 }, async () => {});', 1),
        ('describe("it", () => {});', 0),
        ('test.describe("it", () => {});', 0),
        ('pattern.test("it", 1);', 0),
        ("test(() => {});", 0),
        ('test("it");', 0),
    ],
)
def test_tests_are_calls_of_it_and_test_with_a_title(code: str, tests: int) -> None:
    found = measure(code, "js")
    assert found is not None
    assert (found.num_tests, found.has_tests) == (tests, tests > 0)


@pytest.mark.parametrize("code", ["function f( {", "const x = ;", "class {}}", "`${", "x = {"])
def test_a_text_that_is_no_javascript_is_told(code: str) -> None:
    found = measure(code, "js")
    assert found is not None
    assert not found.parsed
