"""Why an answer says what it says: contributions of what decided, put in words."""

from collections.abc import Mapping

from learners.catalog._generation.features import OPTIONAL, Met
from learners.catalog._generation.memory import LEVELS
from learners.catalog._generation.params import GenerationParams
from learners.catalog._generation.types import GenerationQuery
from learners.learner import Row

SHOWN = 4
NEGLIGIBLE = 0.08  # of the strongest contribution
PLAIN: Mapping[str, str] = {
    "expected": "outcomes of everything the task shares with earlier ones",
    "expected_if_new": "outcomes of everything the task shares with earlier ones",
    "expected_by_told": "outcomes of everything the task shares with earlier ones",
    "task_new": "how much is known of such tasks",
    "spread": "how much is known of such tasks",
    "words_if_new": "words of the description",
    "words_effect": "words of the description",
    "words_spread": "how well the words of the description are known",
    "rule_of_thumb": "kind, words and length of the task (rule of thumb)",
    "maturity": "age of the project",
    "length": "length of the description",
    "requirements": "number of requirements",
    "technical_terms": "number of technical terms",
    "entities": "number of entities named",
    "relationships": "number of relationships",
    "constraints": "number of constraints",
    "complex_words": "number of demanding subjects",
}
TWINS = ("twin_similarity", "twin_effect", "twin_rate", "twin_n")


def of_model(
    params: GenerationParams, row: Row, query: GenerationQuery, known: Met, more: str, less: str
) -> tuple[str, ...]:
    """Return what moved the model's answer for a row (d,), strongest first.

    Args:
        more: What a positive contribution means, likewise ``less``.
    """
    design = params.design(row[None, :])[0]
    totals = dict[str, float]()
    for name, moved in zip(params.names, params.model.explain(design).tolist(), strict=True):
        if moved:
            text = phrase(name, query, known)
            totals[text] = totals.get(text, 0.0) + moved
    ranked = sorted(totals.items(), key=lambda each: -abs(each[1]))
    strongest = abs(ranked[0][1]) if ranked else 0.0
    return tuple(
        f"{more if moved > 0 else less}: {text}"
        for text, moved in ranked[:SHOWN]
        if abs(moved) >= NEGLIGIBLE * strongest
    )


def phrase(column: str, query: GenerationQuery, known: Met) -> str:
    """Return a column in words, so that columns of one source share them."""
    if column in PLAIN:
        return PLAIN[column]
    if column in TWINS:
        return _twins(known)
    stem = column.rsplit("_", 1)[0]
    if stem in LEVELS:
        return of_level(stem, query, known)
    name = column.removesuffix("_known")
    if name in OPTIONAL:
        return name.replace("_", " ")
    subject = column.removeprefix("says_").replace("_", " ")
    prefixed = {"is_": "kind of task", "says_": f"{subject} in the description"}
    found = (said for prefix, said in prefixed.items() if column.startswith(prefix))
    return next(found, "time of day and week")


def of_level(level: str, query: GenerationQuery, known: Met) -> str:
    """Return a level of the memory in words, with what was told of it."""
    cell = known.cells.get(level)
    n = cell.n if cell is not None else 0
    named = {
        "all": "all outcomes so far",
        "type": f"{query.task_type} tasks",
        "language": query.language or "no language said",
        "framework": query.framework or "no framework said",
        "agent": query.agent or "no agent said",
        "model": query.model or "no model said",
        "template": query.template or "no template said",
        "project": "this project",
        "agent_type": f"{query.agent or 'no agent said'} on {query.task_type} tasks",
        "agent_project": f"{query.agent or 'no agent said'} in this project",
        "model_type": f"{query.model or 'no model said'} on {query.task_type} tasks",
        "task": "earlier outcomes of this very task",
        "task_agent": f"earlier tries of this task by {query.agent or 'this agent'}",
    }[level]
    return f"{named} ({n} outcome{'' if n == 1 else 's'})" if n else f"{named} (never told of)"


def _twins(known: Met) -> str:
    if not known.twins:
        return "no similar task was told of"
    best = known.twins[0][0].similarity
    several = len(known.twins)
    return f"{several} similar task{'' if several == 1 else 's'}, the most similar {best:.2f}"
