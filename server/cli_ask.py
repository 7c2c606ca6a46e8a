"""Verbs that mirror the tools."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from learners.errors import LearnerError, WrongInput
from server.cli_run import ASK, LEARN, Json, print_json, through
from server.cli_words import explained, spoken

Mixins = Annotated[list[str], typer.Argument(help="2 to 16 names, e.g. MixinCaching MixinRetry.")]
NodeType = Annotated[str, typer.Option(help="EFFECT, COMPUTE, REDUCER or ORCHESTRATOR.")]
Project = Annotated[str, typer.Option(help="Project id; default: of this directory.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("check-mixin-compatibility", rich_help_panel=ASK)(check_mixin_compatibility)
    app.command("recommend-mixins", rich_help_panel=ASK)(recommend_mixins)
    app.command("rank-templates", rich_help_panel=ASK)(rank_templates)
    app.command("rank", rich_help_panel=ASK, help="Short for rank-templates.")(rank_templates)
    app.command("record-feedback", rich_help_panel=ASK)(record_feedback)
    app.command("tell", rich_help_panel=ASK, help="Short for record-feedback.")(record_feedback)
    app.command("learning-status", rich_help_panel=ASK)(learning_status)
    app.command("status", rich_help_panel=ASK, help="Short for learning-status.")(learning_status)
    app.command("promote", rich_help_panel=LEARN)(promote)
    app.command("rollback", rich_help_panel=LEARN)(rollback)


def check_mixin_compatibility(
    mixins: Mixins, node_type: NodeType, project: Project = "", as_json: Json = False
) -> None:
    """Say whether mixins can be combined on a node."""
    mirror(
        "check_mixin_compatibility", as_json, mixins=mixins, node_type=node_type, project=project
    )


def recommend_mixins(
    node_type: NodeType,
    need: Annotated[
        list[str] | None,
        typer.Option(
            "--need",
            "--required-capabilities",
            help="A capability that is needed, e.g. cache; repeatable.",
        ),
    ] = None,
    existing: Annotated[
        list[str] | None,
        typer.Option(
            "--existing", "--existing-mixins", help="A mixin the node has already; repeatable."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many, 1 to 10.")] = 5,
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Find mixins that serve a need and go with what is there."""
    mirror(
        "recommend_mixins",
        as_json,
        node_type=node_type,
        required_capabilities=need or [],
        existing_mixins=existing or [],
        k=k,
        project=project,
    )


def rank_templates(
    task_description: Annotated[str, typer.Argument(help="What is to be done, in words.")],
    task_type: Annotated[
        str,
        typer.Option(
            help="backend, frontend, database, testing, documentation, devops, refactoring, "
            "implementation or other."
        ),
    ] = "other",
    language: Annotated[str, typer.Option(help="Programming language.")] = "",
    framework: Annotated[str, typer.Option(help="Framework.")] = "",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", "--tags", help="What it is about; repeatable.")
    ] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            "--candidate", "--candidates", help="A template to compare; repeatable. Default: all."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many, 1 to 20.")] = 5,
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Put templates in order for a task."""
    mirror(
        "rank_templates",
        as_json,
        task_description=task_description,
        task_type=task_type,
        language=language,
        framework=framework,
        tags=tag or [],
        candidates=candidate or [],
        k=k,
        project=project,
    )


def record_feedback(
    outcome: Annotated[str, typer.Argument(help="success, neutral, failure; or pending.")],
    decision_id: Annotated[str, typer.Option(help="Of the answer this is about.")] = "",
    learner: Annotated[
        str, typer.Option(help="Who learns from the facts; default: whom they fit.")
    ] = "",
    facts: Annotated[str, typer.Option(help="JSON, or @FILE with JSON.")] = "",
    code_file: Annotated[
        str, typer.Option(metavar="FILE", help="The code that was generated; it is measured.")
    ] = "",
    followed: Annotated[str, typer.Option(help="yes, no or unknown.")] = "unknown",
    notes: Annotated[str, typer.Option(help="Free text.")] = "",
    key: Annotated[str, typer.Option(help="One key is stored once.")] = "",
    corrects: Annotated[str, typer.Option(help="Key of an outcome to replace.")] = "",
    source: Annotated[
        str, typer.Option(help="agent, human, test, ci, git, hook, import.")
    ] = "human",
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Store what really happened, about an answer or about plain facts.

    pending says that it is finished and that nobody has judged it yet: what it took and gave can be
    told at once, with --facts and --code-file, and the judgement later.
    """
    mirror(
        "record_feedback",
        as_json,
        outcome=outcome,
        decision_id=decision_id,
        learner=learner,
        facts=_with_code(_facts(facts), code_file),
        followed=followed,
        notes=notes,
        key=key,
        corrects=corrects,
        source=source,
        project=project,
    )


def learning_status(
    learner: Annotated[str, typer.Argument(help="Of one learner only.")] = "",
    as_json: Json = False,
) -> None:
    """Say what was learned, and what is still missing."""
    mirror("learning_status", as_json, learner=learner)


def promote(
    learner: Annotated[str, typer.Argument(help="Name of a learner.")],
    version: Annotated[int, typer.Argument(help="Number from `foresight versions`.")],
    as_json: Json = False,
) -> None:
    """Serve a version from now on, in every process."""
    mirror("promote", as_json, learner=learner, version=version)


def rollback(
    learner: Annotated[str, typer.Argument(help="Name of a learner.")] = "",
    as_json: Json = False,
) -> None:
    """Serve what was served before the last promotion."""
    mirror("roll_back", as_json, learner=learner)


def mirror(tool: str, as_json: bool, **arguments: Any) -> None:
    """Call a tool and print its result."""
    _check(tool, arguments)  # before the database is started for it
    try:
        answer = through(lambda verbs: verbs.call(tool, **arguments))
    except LearnerError as error:
        raise type(error)(explained(tool, arguments, str(error))) from None
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        sys.stdout.write(f"{spoken(answer.words())}\n")


def _check(tool: str, arguments: Mapping[str, Any]) -> None:
    from pydantic import ValidationError

    from learners.wording import problems
    from server.direct import named

    try:
        named()[tool].fn_metadata.validate_arguments(dict(arguments))
    except ValidationError as error:
        raise WrongInput(explained(tool, arguments, "; ".join(problems(error)))) from None


def _facts(text: str) -> dict[str, Any]:
    try:
        if text.startswith("@"):
            text = Path(text[1:]).read_text("utf-8")
        value = json.loads(text or "{}")
    except UnicodeDecodeError:
        raise WrongInput("--facts: expected text in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise WrongInput(f"--facts: expected JSON: {error}") from None
    if not isinstance(value, dict):
        raise WrongInput("--facts: expected a JSON object")
    return value


def _with_code(facts: dict[str, Any], file: str) -> dict[str, Any]:
    if not file:
        return facts
    try:
        code = Path(file).read_text("utf-8")
    except UnicodeDecodeError:
        raise WrongInput("--code-file: expected text in UTF-8") from None
    return {"file_path": file, **facts, "code": code}
