"""History from files: rows of a compatibility matrix, or pairs that somebody has labelled."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learners import codec
from learners.errors import WrongInput
from learners.redaction import redacted
from learners.serving import Caller
from learners.telling import Tell
from learners.wording import quoted
from server.replay_lines import when

if TYPE_CHECKING:
    from learners.learner import AnyLearner
    from learners.lifecycle import Lifecycle, Told

PAIR = ("mixin_a", "mixin_b", "node_type")
COUNTS = ("success_count", "failure_count")
LABEL = "compatible"
TEXTS = ("conflict_reason", "resolution_pattern")
LABELS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
CHUNK = 500
MOST = 1e15  # outcomes of a row
LARGEST = 200_000_000  # bytes of a source
URL_SECONDS = 30.0
RULE = (
    "A row counts as success_count + failure_count outcomes of its pair; a labelled row as one "
    "outcome, marked as a label. Rows are told in the order of created_at, ties by their hash."
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row, ready to be told."""

    key: str
    known: float
    facts: Mapping[str, Any]

    @property
    def outcomes(self) -> int:
        """How many outcomes it stands for."""
        return int(self.facts["success"]) + int(self.facts["failure"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a file holds."""

    rows: Sequence[Row]
    empty: int = 0  # rows without a single test
    repeated: int = 0  # rows that stand in the file more than once


def text_of(source: str) -> str:
    """Return the text of a file, of stdin (``-``) or of an address.

    Raises:
        WrongInput: It is not text.
        OSError: It cannot be read.
    """
    data = _bytes(source)
    if len(data) > LARGEST:
        raise WrongInput(
            f"{redacted(source)}: expected at most {LARGEST} bytes; import it in parts"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongInput(f"{redacted(source)}: expected text in UTF-8") from None


def _bytes(source: str) -> bytes:
    """Return what is there, and at most one byte more than is taken."""
    if source == "-":
        import sys

        return sys.stdin.buffer.read(LARGEST + 1)
    if source.startswith(("http://", "https://")):
        return _downloaded(source)
    with Path(source).open("rb") as file:
        return file.read(LARGEST + 1)


def _downloaded(source: str) -> bytes:
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(source, timeout=URL_SECONDS) as answer:  # noqa: S310 - http(s), on request
            data: bytes = answer.read(LARGEST + 1)
    except (OSError, ValueError, HTTPException) as error:
        why = getattr(error, "reason", None) or type(error).__name__
        # an address may hold a password
        raise WrongInput(f"{redacted(source)}: cannot be read: {why}") from None
    return data


def plan(text: str, learner: "AnyLearner", project: str, now: float) -> Plan:
    """Return the rows of a text in the order in which they became known.

    Raises:
        WrongInput: Naming the row and the field.
    """
    rows, empty, repeated = dict[str, Row](), 0, 0
    place = ""
    for place, record in records(text):
        try:
            row = _row(record, learner, project, now)
        except WrongInput as error:
            raise WrongInput(f"{place}: {error} Nothing was imported.") from None
        if row.outcomes == 0:
            empty += 1
        elif row.key in rows:
            repeated += 1
        else:
            rows[row.key] = row
    if not place:
        raise WrongInput(
            "expected rows with the columns mixin_a, mixin_b, node_type, ...; got none"
        )
    ordered = sorted(rows.values(), key=lambda row: (row.known, row.key))
    return Plan(rows=ordered, empty=empty, repeated=repeated)


def records(text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Return the records of CSV, of a JSON list, or of JSON lines, each with its place."""
    start = text.lstrip()[:1]
    if start == "[":
        return [(f"entry {n}", _object(each)) for n, each in enumerate(_json(text), 1)]
    if start == "{":
        lines = enumerate(text.split("\n"), 1)
        return [
            (f"line {n}", _object(_json(line, f"line {n}: "))) for n, line in lines if line.strip()
        ]
    return _rows(text)


def _json(text: str, place: str = "") -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongInput(f"{place}expected JSON: {error}") from None


def _rows(text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of CSV; the header is line 1."""
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        for row in rows:
            yield f"line {rows.line_num}", row
    except csv.Error as error:
        raise WrongInput(f"line {rows.line_num}: expected CSV: {error}") from None


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise WrongInput("expected JSON objects")
    return value


def _row(record: Mapping[str, Any], learner: "AnyLearner", project: str, now: float) -> Row:
    _check_columns(record)
    for name in PAIR:
        if not str(record.get(name) or "").strip():
            raise WrongInput(f"{name}: is missing.")
    facts = {
        "mixins": [str(record["mixin_a"]).strip(), str(record["mixin_b"]).strip()],
        "node_type": str(record["node_type"]).strip().upper(),
        "project": project,
    }
    codec.validated(learner.query, facts, "row")
    happened = _happened(record)
    if happened["success"] + happened["failure"]:
        codec.validated(learner.outcome, happened, "row")
    given = record.get("created_at")
    known = now if given in (None, "") else when(given, "created_at")
    if known > now:
        raise WrongInput("created_at: expected a time in the past.")
    said = json.dumps([facts, happened, given], sort_keys=True, default=str)
    key = f"import:{hashlib.sha256(said.encode()).hexdigest()[:32]}"
    return Row(key, known, {**facts, **happened})


def _check_columns(record: Mapping[str, Any]) -> None:
    missing = [name for name in PAIR if name not in record]
    if any(name in record for name in COUNTS):  # a misspelt one would count as none
        missing += [name for name in COUNTS if name not in record]
    if not missing and not any(name in record for name in (*COUNTS, LABEL)):
        missing = [f"{COUNTS[0]} and {COUNTS[1]}, or {LABEL}"]
    if missing:
        # a row that is longer than the header has a column without a name
        found = ", ".join(filter(None, record))
        raise WrongInput(f"expected the columns {', '.join(missing)}; found {found:.200}.")


def _happened(record: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: str(record.get(name) or "")[:300] for name in TEXTS}
    if record.get(LABEL) not in (None, ""):
        said = LABELS.get(str(record[LABEL]).strip().lower())
        if said is None:
            raise WrongInput(
                f"{LABEL}: expected one of {', '.join(LABELS)}; got {quoted(record[LABEL])}."
            )
        return {"success": int(said), "failure": int(not said), "label": True, **texts}
    if all(record.get(name) in (None, "") for name in COUNTS):
        raise WrongInput(f"expected {' and '.join(COUNTS)}, or {LABEL}; got neither.")
    success, failure = (_count(record.get(name), name) for name in COUNTS)
    return {"success": success, "failure": failure, **texts}


def _count(value: Any, name: str) -> int:
    try:
        count = float(value or 0)
    except (TypeError, ValueError, OverflowError):
        count = -1.0
    if not 0 <= count <= MOST or count != int(count):  # infinity and NaN among what is not
        raise WrongInput(f"{name}: expected a whole number from 0, got {quoted(value)}.")
    return int(count)


async def tell(
    lifecycle: "Lifecycle",
    name: str,
    found: Plan,
    progress: Callable[[int], None],
) -> "list[Told]":
    """Tell all rows of a plan; rows that were told before change nothing."""
    told: list[Told] = []
    for start in range(0, len(found.rows), CHUNK):
        chunk = found.rows[start : start + CHUNK]
        told += await lifecycle.tell_all([(_tell(name, row), Caller()) for row in chunk])
        progress(len(told))
    return told


def _tell(name: str, row: Row) -> Tell:
    return Tell(
        verdict="success",  # the counts in the facts say what happened
        learner=name,
        facts=row.facts,
        key=row.key,
        source="import",
        # no time of asking: each row's past are the rows before it, also where times are equal
        known=row.known,
    )
