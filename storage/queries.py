"""The statements of the SQL files, by name."""

from importlib.resources import files

FILES = ("queries.sql", "erasures.sql", "kpis.sql")


def _read() -> dict[str, str]:
    statements = dict[str, str]()
    for file in FILES:
        text = files("storage").joinpath(file).read_text("utf-8")
        for block in text.split("-- name: ")[1:]:
            name, _, body = block.partition("\n")
            statements[name.strip()] = body.strip()
    return statements


QUERIES = _read()
