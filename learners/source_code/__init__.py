"""Counts in source code: lines, functions, complexity, documentation, type hints, tests.

Reading order: `measures` (what is counted), `languages`, `syntax` (what the grammars call it),
`reading` (one pass over the tree), then `documents`, `hints` and `cases`, then `measure`.

A server imports `measures` and `languages` only: the parsers are C code that hostile text can
crash, so `learners.measuring` runs them in a child.
"""
