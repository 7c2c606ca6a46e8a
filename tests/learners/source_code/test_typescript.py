"""Measures of TypeScript with and without JSX, counted by hand."""

import pytest

from learners.source_code.measure import measure
from learners.source_code.measures import CodeMeasures

CODE = """\
/** An account. */
export interface Account {
  owner: string;
  close(reason: string): void;
}

enum State { Open, Closed }

type Check = (account: Account, strict?: boolean) => boolean;

/** Keeps accounts. */
@Injectable()
export abstract class Accounts<T extends Account> {
  private readonly known: Map<string, T> = new Map();

  constructor(private readonly limit: number, first?) {
    if (first) this.add(first);
  }

  /** Add one. */
  @Logged
  add(account: T): void {
    if (this.known.size >= this.limit || account.owner === "") {
      throw new Error("full");
    }
    this.known.set(account.owner, account);
  }

  set state(state: State) { /* not kept */ }

  find = async (owner: string) => this.known.get(owner) ?? null;

  abstract remove(account: T): boolean;
}

function label(account: Account): string;
function label(account: Account, short: boolean): string;
function label(account, short = false, ...rest: unknown[]): string {
  return short ? account.owner[0] : account.owner;
}

export const check: Check = (account, strict) => {
  for (let i = 0; i < 3; i++) {
    while (strict && account) return true;
  }
  return names.filter((name) => name).length > 0;
};

const handlers = { open: (account) => true, close(account) { return false; } };
"""


def test_a_typescript_file_has_the_measures_that_were_counted_by_hand() -> None:
    assert measure(CODE, "typescript") == CodeMeasures(
        # 49 lines, less 11 blank ones and 3 of nothing but comment
        lines_of_code=35,
        # constructor 2 (if), add 3 (if, ||), state 1, find 2 (??), label 2 (?), check 4 (for,
        # while, &&), open 1, close 1
        cyclomatic_complexity=2 + 3 + 1 + 2 + 2 + 4 + 1 + 1,
        max_complexity=4,
        num_functions=8,  # signatures without a body are none
        num_classes=3,  # Account, State, Accounts
        # typed: limit; account and the return of add; state; owner of find; rest and the return of
        # label; account, strict and the return of check, whose types are those of Check. Not:
        # first; the return of find; account and short of label
        type_hint_coverage=10 / 14,
        # Account, Accounts, add; not State, constructor, state, find, label, check, open, close
        docstring_coverage=3 / 11,
        num_tests=0,
        has_type_hints=True,
        has_docstrings=True,
        has_tests=False,
        language="typescript",
        parsed=True,
    )


JSX = """\
import React, { useState } from "react";

type Props = { name?: string; items: string[] };

/** A list of items. */
export const List: React.FC<Props> = ({ name, items }) => {
  const [open, setOpen] = useState<boolean>(false);
  return (
    <section>
      {/* the title */}
      <h1>{name ? <b>if {name} while</b> : null}</h1>
      {open && items.map((item) => <li key={item}>it's {item}</li>)}
      <button onClick={() => { setOpen(!open || false); }}>more</button>
    </section>
  );
};

export default function App(): JSX.Element {
  return <List items={[]} />;
}
"""


@pytest.mark.parametrize(
    ("language", "path"),
    [("tsx", ""), ("typescript", "App.tsx"), ("", "src/App.tsx"), ("ts", "")],
)
def test_a_file_with_jsx_has_the_measures_that_were_counted_by_hand(
    language: str, path: str
) -> None:
    assert measure(JSX, language, path) == CodeMeasures(
        # 20 lines, less 3 blank ones and 1 comment; the braces around the other remain
        lines_of_code=16,
        cyclomatic_complexity=3 + 2 + 1,  # List (?, &&), the handler (||), App
        max_complexity=3,
        num_functions=3,
        num_classes=0,
        type_hint_coverage=1.0,  # the parameter and the return of List, the return of App
        docstring_coverage=1 / 2,
        num_tests=0,
        has_type_hints=True,
        has_docstrings=True,
        has_tests=False,
        language="typescript",
        parsed=True,
    )


def test_jsx_in_a_file_that_may_have_none_is_an_error() -> None:
    found = measure(JSX, "typescript", "app.ts")
    assert found is not None
    assert not found.parsed


@pytest.mark.parametrize(
    ("code", "coverage"),
    [
        ("const f = (a: number): number => a;", 1.0),
        ("const f = (a = 1) => a;", 0.0),
        ("const f = a => a;", 0.0),
        ("const f: F = a => a;", 1.0),
        ("class A { f: F = (a) => a; }", 1.0),
        ("class A { constructor(a: number) {} }", 1.0),
        ("class A { constructor() {} set a(b) {} }", 0.0),
        ("function f(this: A, a?: string): a is 'x' { return true; }", 1.0),
        ("go((a) => { return a; });", None),
        ("const o = { f: (a) => a, g(a) {} };", None),
        ("type F = (a: number) => void;", None),
    ],
)
def test_coverage_is_of_what_leaves_a_choice(code: str, coverage: float | None) -> None:
    found = measure(code, "ts")
    assert found is not None
    assert found.parsed
    assert found.type_hint_coverage == coverage


@pytest.mark.parametrize(
    ("code", "hints"),
    [("let a: number;", True), ("let a = 1;", False), ("function f(a, b) {}", False)],
)
def test_a_type_anywhere_is_a_hint(code: str, hints: bool) -> None:
    found = measure(code, "ts")
    assert found is not None
    assert found.has_type_hints is hints


def test_tests_are_found_as_in_javascript() -> None:
    found = measure('it("does", async () => { expect(f<number>(1)).toBe(1); });', "ts")
    assert found is not None
    assert (found.num_tests, found.num_functions, found.docstring_coverage) == (1, 1, None)
