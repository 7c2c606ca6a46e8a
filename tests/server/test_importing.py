"""Rows of files as history."""

import json

import pytest

from learners.catalog.mixin_compatibility import LEARNER
from learners.errors import WrongInput
from server.importing import Plan, plan

NOW = 1_800_000_000.0
MATRIX = """mixin_a,mixin_b,node_type,success_count,failure_count,created_at
MixinRetry,MixinCaching,EFFECT,3,1,2026-02-01T00:00:00Z
MixinAudit,MixinCaching,COMPUTE,0,5,2026-01-01
MixinAudit,MixinRetry,COMPUTE,0,0,2026-01-01
"""


def planned(text: str, project: str = "") -> Plan:
    return plan(text, LEARNER, project, NOW)


def test_a_row_counts_as_its_tests_and_rows_come_in_the_order_of_time() -> None:
    found = planned(MATRIX)
    assert [row.outcomes for row in found.rows] == [5, 4]
    assert [row.known for row in found.rows] == [1767225600.0, 1769904000.0]
    assert found.empty == 1


def test_labelled_pairs_are_one_outcome_each() -> None:
    text = "mixin_a,mixin_b,node_type,compatible\nA,B,effect,1\nA,C,EFFECT,false\n"
    found = planned(text)
    assert sorted((row.facts["success"], row.facts["failure"]) for row in found.rows) == [
        (0, 1),
        (1, 0),
    ]
    assert all(row.facts["label"] for row in found.rows)
    assert all(row.known == NOW for row in found.rows)


def test_csv_json_and_json_lines_say_the_same() -> None:
    records = [
        {
            "mixin_a": "A",
            "mixin_b": "B",
            "node_type": "EFFECT",
            "success_count": 2,
            "failure_count": 0,
        }
    ]
    as_list = planned(json.dumps(records))
    as_lines = planned("\n".join(map(json.dumps, records)))
    as_csv = planned("mixin_a;mixin_b;node_type;success_count;failure_count\nA;B;EFFECT;2;0\n")
    assert as_list == as_lines == as_csv


def test_the_key_of_a_row_depends_on_what_it_says_and_on_the_project() -> None:
    keys = [row.key for row in planned(MATRIX).rows]
    assert keys == [row.key for row in planned(MATRIX).rows]
    assert not set(keys) & {row.key for row in planned(MATRIX, "p").rows}
    assert planned(MATRIX + MATRIX.splitlines()[1] + "\n").repeated == 1


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("A,,EFFECT,1,0,", "line 2: mixin_b: is missing. Nothing was imported."),
        ("A,B,TEA,1,0,", "EFFECT, COMPUTE, REDUCER, ORCHESTRATOR"),
        ("A,B,EFFECT,-1,0,", "success_count: expected a whole number from 0, got '-1'."),
        ("A,B,EFFECT,1.5,0,", "success_count: expected a whole number from 0, got '1.5'."),
        ("A,B,EFFECT,,,", "expected success_count and failure_count, or compatible; got neither."),
        ("A,B,EFFECT,1,0,yesterday", "created_at: expected seconds since 1970 or a time like"),
        ("A,B,EFFECT,1,0,2999-01-01", "created_at: expected a time in the past."),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_planned(row: str, expected: str) -> None:
    header = "mixin_a,mixin_b,node_type,success_count,failure_count,created_at"
    with pytest.raises(WrongInput) as caught:
        planned(f"{header}\n{row}\n")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1;2\n", "line 2: expected the columns mixin_a, mixin_b, node_type; found a, b."),
        (
            "mixin_a,mixin_b,node_type,score\nA,B,EFFECT,1\n",
            "line 2: expected the columns success_count and failure_count, or compatible; "
            "found mixin_a, mixin_b, node_type, score.",
        ),
        (
            "mixin_a,mixin_b,node_type,success_count,failures\nA,B,EFFECT,1,2\n",
            "line 2: expected the columns failure_count; found mixin_a, mixin_b, node_type, ",
        ),
        (
            "mixin_a,mixin_b,node_type,compatible\nA,B,EFFECT,1\nA,C,EFFECT,maybe\n",
            "line 3: compatible: expected one of 1, true, yes, 0, false, no; got 'maybe'.",
        ),
        ('{"mixin_a": "A"}\n\n{"mixin_b"\n', "line 3: expected JSON: "),
        ('[{"mixin_a": "A"}]', "entry 1: expected the columns mixin_b, node_type; found mixin_a."),
    ],
)
def test_a_file_of_another_kind_is_told_from_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(WrongInput) as caught:
        planned(text)
    assert str(caught.value).startswith(expected)


def test_an_empty_file_says_what_was_expected() -> None:
    with pytest.raises(WrongInput, match="expected rows with the columns mixin_a"):
        planned("")
