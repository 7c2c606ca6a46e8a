"""The statements of `queries.sql`, by name."""

from importlib.resources import files


def _read() -> dict[str, str]:
    statements = dict[str, str]()
    text = files("storage").joinpath("queries.sql").read_text("utf-8")
    for block in text.split("-- name: ")[1:]:
        name, _, body = block.partition("\n")
        statements[name.strip()] = body.strip()
    return statements


QUERIES = _read()
