"""The command line. Bodies of verbs import what they need, so that `serve` starts fast."""

import re
import sys
from typing import Annotated, Any, NoReturn

import typer

from learners.redaction import redacted
from learners.wording import plain
from server import (
    cli_ask,
    cli_audit,
    cli_backtest,
    cli_card,
    cli_care,
    cli_data,
    cli_evaluate,
    cli_forget,
    cli_generations,
    cli_learn,
    cli_mixins,
    cli_reproduce,
    cli_serve,
    cli_templates,
    cli_token,
)
from server.cli_words import example
from server.settings import WrongSetting, misspelt

HELP = """Advice for coding agents that is learned from what really happened.

An agent asks, gets advice with its evidence, and tells what happened; Foresight learns from it.
Settings are FORESIGHT_* variables, listed in the README; `foresight doctor` says what is wrong.
"""

INVALID = re.compile(r"Invalid value for '(.*?)': (.*)")

app = typer.Typer(name="foresight", no_args_is_help=True, pretty_exceptions_enable=False)
cli_serve.register(app)
cli_token.register(app)
cli_ask.register(app)
cli_generations.register(app)
cli_learn.register(app)
cli_card.register(app)
cli_audit.register(app)
cli_reproduce.register(app)
cli_backtest.register(app)
cli_evaluate.register(app)
cli_data.register(app)
cli_forget.register(app)
cli_mixins.register(app)
cli_templates.register(app)
cli_care.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"foresight {version('foresight')}\n")
        raise typer.Exit


@app.callback(help=HELP)
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            is_eager=True,
            callback=_print_version,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    """Take what stands before the verb."""


def main() -> NoReturn:
    """Run a verb; say what went wrong in one line and leave with 1, or 2 for a wrong call."""
    from learners.errors import LearnerError, WrongInput
    from storage.errors import StorageError

    for line in misspelt():
        sys.stderr.write(f"foresight: warning: {line}\n")
    try:
        result = app(prog_name="foresight", standalone_mode=False)
    except typer.TyperException as error:
        _leave(_called_wrongly(error), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        _leave("stopped", 130)
    except (WrongSetting, WrongInput) as error:
        _leave(str(error), 2)
    except (LearnerError, StorageError) as error:
        _leave(str(error), 1)
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone, and with it whoever wanted the rest
        sys.exit(0)
    except OSError as error:
        _leave(f"{error.filename or 'input'}: {error.strerror or error}", 1)
    sys.exit(result if isinstance(result, int) else 0)


def _called_wrongly(error: typer.TyperException) -> str:
    """Return what is wrong with a call and, where its form is wrong, what it looks like."""
    message = " ".join(redacted(error.format_message()).split())
    if found := INVALID.fullmatch(message):
        return f"{found[1]}: {plain(found[2])}"
    if not message.startswith(("Missing ", "Got unexpected ")):
        return message
    if "'learner'" in message:
        from learners.registry import catalog

        message += f" Expected one of {', '.join(catalog())}."
    context: Any = getattr(error, "ctx", None)
    path = "" if context is None else context.command_path
    shown = example(path.partition(" ")[2])
    return f"{message.removesuffix('.')}.{shown}" if shown else message


def _leave(message: str, code: int) -> NoReturn:
    if message.strip():  # else the help was shown
        sys.stderr.write(f"foresight: {message.strip()}\n")
    sys.exit(code)
