"""Verbs about the tokens of the HTTP transport."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learners.errors import WrongInput
from server.cli_run import SERVE, Json, print_json, print_table
from server.settings import TOOLSETS, load

if TYPE_CHECKING:
    from server.tokens import Token

tokens = typer.Typer(help="Who may call over HTTP: add, list, remove.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    tokens.command("add")(add_token)
    tokens.command("list")(list_tokens)
    tokens.command("remove")(remove_token)
    app.add_typer(tokens, name="token", rich_help_panel=SERVE)


def add_token(
    name: Annotated[str, typer.Argument(help="Whose it is; becomes the user of its calls.")],
    scopes: Annotated[
        str, typer.Option(help="Comma-separated toolsets: advise, feedback, admin.")
    ] = "advise,feedback",
    days: Annotated[
        float | None, typer.Option(help="How long it is accepted; default: until removed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, once; only its SHA-256 is kept. A running server takes it up."""
    from server.tokens import LONGEST_LIFE, add

    if days is not None and not 0 < days <= LONGEST_LIFE:
        raise WrongInput(f"--days: expected more than 0 and at most {LONGEST_LIFE}; got {days:g}")
    settings = load()
    wanted = tuple(filter(None, scopes.replace(" ", "").split(",")))
    if not wanted:
        raise WrongInput(f"--scopes: expected some of {', '.join(TOOLSETS)}; got none")
    secret, token = add(settings.data_dir, name, wanted, days)
    if as_json:
        print_json({"token": secret, **_shown(token)})
    else:
        sys.stdout.write(f"{secret}\n")
    unserved = [scope for scope in token.scopes if scope not in settings.toolsets]
    if unserved:
        every = ",".join((*settings.toolsets, *unserved))
        sys.stderr.write(
            f"foresight: {', '.join(unserved)} is served with FORESIGHT_TOOLSETS={every} only\n"
        )


def list_tokens(as_json: Json = False) -> None:
    """List the tokens: whose they are, what they may do, until when."""
    from server.tokens import read

    records = [_shown(token) for token in read(load().data_dir)]
    if as_json:
        print_json(records)
        return
    columns = ("name", "scopes", "created", "expires")
    rows = [
        (each["name"], ",".join(each["scopes"]), each["created"], each["expires"] or "never")
        for each in records
    ]
    print_table(columns, rows)


def remove_token(name: Annotated[str, typer.Argument(help="Name of the token.")]) -> None:
    """Remove a token; a running server refuses it from its next call on."""
    from server.tokens import remove

    remove(load().data_dir, name)
    sys.stdout.write(f"The token {name} is removed.\n")


def _shown(token: "Token") -> dict[str, Any]:
    expires = None if token.expires is None else _time(token.expires)
    return {
        "name": token.name,
        "scopes": list(token.scopes),
        "created": _time(token.created),
        "expires": expires,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
