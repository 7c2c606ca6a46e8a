"""docs/specification.md says where every item stands, and what it says holds."""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

LAST = {"000": 78, "001": 66, "002": 108, "003": 60, "004": 31, "M": 19, "X": 68}
ITEMS = [f"{family}-{number:02d}" for family, last in LAST.items() for number in range(1, last + 1)]
STATES = {"built", "open", "refused"}

ITEM = re.compile(r"(?:\d{3}|[A-Z])-\d{2,3}")
BORDER = re.compile(r"(?<!\\)\|")
CODE = re.compile(r"`([^`]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:\.(?:py|sql|md)|/)")
NOT_PROSE = re.compile(r"`[^`]*`|<!--.*?-->")
WORD = re.compile(r"[^\W\d_]{2,}")


class Row(NamedTuple):
    """What the document says of one item."""

    item: str
    what: str
    state: str
    where: str


def _rows(text: str) -> list[Row]:
    """Every table row that begins with the number of an item, whatever table it stands in."""
    rows: list[Row] = []
    for line in text.splitlines():
        item, *rest = (cell.strip() for cell in BORDER.split(line.strip().strip("|")))
        if line.startswith("|") and ITEM.fullmatch(item):
            assert len(rest) == 3, f"not four columns: {line}"
            rows.append(Row(item, *rest))
    return rows


def _paths(text: str) -> list[str]:
    """What stands in backticks and looks like a file or a folder of the repository."""
    return [code for code in CODE.findall(text) if PATH.fullmatch(code)]


def _exists(path: str) -> bool:
    place = ROOT / path
    return place.is_dir() if path.endswith("/") else place.is_file()


ROWS = _rows((ROOT / "docs" / "specification.md").read_text(encoding="utf-8"))


def test_every_item_has_exactly_one_row() -> None:
    count = Counter(row.item for row in ROWS)
    assert [item for item in ITEMS if count[item] == 0] == [], "without a row"
    assert [item for item in count if count[item] > 1] == [], "with more than one row"
    assert [item for item in count if item not in ITEMS] == [], "in no specification"


def test_items_stand_in_order() -> None:
    assert [row.item for row in ROWS] == ITEMS


def test_every_row_says_what_and_where() -> None:
    assert [row.item for row in ROWS if not (row.what and row.where)] == []


def test_every_state_is_one_of_three() -> None:
    assert {row.item: row.state for row in ROWS if row.state not in STATES} == {}


def test_what_is_built_names_a_file_or_folder() -> None:
    assert [row.item for row in ROWS if row.state == "built" and not _paths(row.where)] == []


def test_what_is_built_exists() -> None:
    missing: dict[str, list[str]] = {}
    for row in ROWS:
        for path in _paths(f"{row.what} {row.where}") if row.state == "built" else []:
            if not _exists(path):
                missing.setdefault(path, []).append(row.item)
    assert missing == {}


def test_what_is_refused_gives_a_reason_of_five_words() -> None:
    reasons = {row.item: NOT_PROSE.sub("", row.where) for row in ROWS if row.state == "refused"}
    assert [item for item, reason in reasons.items() if len(WORD.findall(reason)) < 5] == []


def test_no_fault_is_copied_on_purpose() -> None:
    assert [row.item for row in ROWS if row.item.startswith("X-") and row.state == "refused"] == []
