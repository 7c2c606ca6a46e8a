"""The statements of `queries.sql`, by name."""

from importlib.resources import files
from typing import LiteralString, cast


def _read() -> dict[str, LiteralString]:
    statements = dict[str, LiteralString]()
    text = files("storage").joinpath("queries.sql").read_text("utf-8")
    for block in text.split("-- name: ")[1:]:
        name, _, body = block.partition("\n")
        # It is a file of the program, not data: as good as a literal.
        statements[name.strip()] = cast("LiteralString", body.strip())
    return statements


QUERIES = _read()
