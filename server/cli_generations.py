"""Verbs about generations: predict one, route one."""

from pathlib import Path
from typing import Annotated

import typer

from learners.errors import WrongInput
from server.cli_ask import Project, mirror
from server.cli_run import ASK, LEARN, Json

Description = Annotated[
    str, typer.Argument(help="The task in words; @FILE reads them.", show_default=False)
]
TaskType = Annotated[
    str,
    typer.Option(
        help="backend, frontend, database, testing, documentation, devops, refactoring, "
        "implementation or other."
    ),
]
Language = Annotated[str, typer.Option(help="Programming language.")]
Framework = Annotated[str, typer.Option(help="Framework.")]
Agent = Annotated[str, typer.Option(help="Who is to do it.")]
Model = Annotated[str, typer.Option(help="Language model to be used.")]
Template = Annotated[str, typer.Option(help="Template to be used.")]
Key = Annotated[str, typer.Option(help="Stable id of the task.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("predict-generation-success", rich_help_panel=ASK)(predict_generation_success)
    short = app.command(
        "predict", rich_help_panel=ASK, help="Short for predict-generation-success."
    )
    short(predict_generation_success)
    app.command("route", rich_help_panel=ASK)(route)
    app.command("pending", rich_help_panel=ASK)(pending)
    app.command("patterns", rich_help_panel=LEARN)(patterns)
    app.command("kpis", rich_help_panel=LEARN)(kpis)


def predict_generation_success(
    task_description: Description = "",
    task_type: TaskType = "other",
    language: Language = "",
    framework: Framework = "",
    agent: Agent = "",
    model: Model = "",
    template: Template = "",
    task_key: Key = "",
    temperature: Annotated[
        float, typer.Option(show_default=False, help="Of the model, 0 to 5.")
    ] = -1,
    max_tokens: Annotated[
        int, typer.Option(show_default=False, help="That the model may write.")
    ] = -1,
    rag_examples: Annotated[
        int, typer.Option(show_default=False, help="Examples retrieved for the task.")
    ] = -1,
    rag_quality: Annotated[
        float, typer.Option(show_default=False, help="Their mean quality, 0 to 10.")
    ] = -1,
    files: Annotated[int, typer.Option(show_default=False, help="Files to be generated.")] = -1,
    complexity_estimate: Annotated[
        float, typer.Option(show_default=False, help="Complexity as you guess it.")
    ] = -1,
    similar_to: Annotated[str, typer.Option(help="Key of a task like this one.")] = "",
    similarity: Annotated[
        float, typer.Option(show_default=False, help="How like it is; 1 is the same.")
    ] = -1,
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Say how a generation will turn out: success, complexity, time and quality."""
    mirror(
        "predict_generation_success",
        as_json,
        task_description=_text(task_description),
        task_type=task_type,
        language=language,
        framework=framework,
        agent=agent,
        model=model,
        template=template,
        task_key=task_key,
        temperature=temperature,
        max_tokens=max_tokens,
        rag_examples=rag_examples,
        rag_quality=rag_quality,
        files=files,
        complexity_estimate=complexity_estimate,
        similar_to=similar_to,
        similarity=similarity,
        project=project,
    )


def route(
    task_description: Description = "",
    by: Annotated[str, typer.Option(help="agent or model: who is compared.")] = "agent",
    margin: Annotated[
        float, typer.Option(help="How much less success than the best's a lower cost may have.")
    ] = 0.02,
    task_type: TaskType = "other",
    language: Language = "",
    framework: Framework = "",
    agent: Agent = "",
    model: Model = "",
    template: Template = "",
    task_key: Key = "",
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Say who does a generation for least among those nearly as good as the best."""
    mirror(
        "route_generation",
        as_json,
        by=by,
        margin=margin,
        task_description=_text(task_description),
        task_type=task_type,
        language=language,
        framework=framework,
        agent=agent,
        model=model,
        template=template,
        task_key=task_key,
        project=project,
    )


def pending(
    limit: Annotated[int, typer.Option(help="How many, 1 to 100.")] = 20,
    project: Project = "",
    everywhere: Annotated[
        bool, typer.Option("--everywhere", metavar="", help="Of every project.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List answers nobody has judged yet, those first whose outcome would teach most."""
    mirror("pending_feedback", as_json, limit=limit, project=project, everywhere=everywhere)


def patterns(as_json: Json = False) -> None:
    """List combinations that do better or worse than their parts promise."""
    mirror("emerging_patterns", as_json)


def kpis(
    weeks: Annotated[int, typer.Option(help="How many, the present one among them.")] = 12,
    project: Annotated[str, typer.Option(help="Of one project only.")] = "",
    as_json: Json = False,
) -> None:
    """Show week by week what became of generations, and how well that was predicted."""
    mirror("generation_kpis", as_json, weeks=weeks, project=project)


def _text(said: str) -> str:
    """Return a text, or that of the file it names."""
    if not said.startswith("@"):
        return said
    try:
        return Path(said[1:]).read_text("utf-8")
    except UnicodeDecodeError:
        raise WrongInput(f"task_description: expected text in UTF-8 in {said[1:]}") from None
