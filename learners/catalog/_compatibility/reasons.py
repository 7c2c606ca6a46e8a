"""Why a model says what it says: its own contributions, collapsed to sources and put in words."""

import re
from collections.abc import Sequence

from learners.catalog._compatibility.features import Own
from learners.catalog._compatibility.params import CompatibilityParams
from learners.catalog._compatibility.types import Pair
from learners.learner import Row

MOST = 4
NEGLIGIBLE = 0.08  # of the strongest contribution

PHRASES = {
    "same": "{same}",
    "same_stem": "the names differ in version alone",
    "words_shared": "words both names share",
    "same_category": "{category}",
    "category_tag_match": "{category}",
    "hook_overlap": "shared lifecycle hooks",
    "hook_conflict": "both modify state in shared hooks",
    "high_conflict_potential": "both modify state in several hooks",
    "both_modify_state": "{state}",
    "both_resource_intensive": "need of resources",
    "dep_overlap": "shared external systems",
    "total_dependencies": "number of external systems",
    "tag_overlap": "shared tags",
    "async_compatible": "whether both are safe under async",
    "involves_data_access": "data access is involved",
    "flags_shared": "shared characteristics",
    "flags_differ": "differing characteristics",
    "context_rate": "tests under {context}",
    "base": "success of all tests so far",
    "stems_rate": "tests of other versions of this pair",
    "words_rate": "tests of pairs with such names",
    "words_low": "tests of pairs with such names",
    "category_rate": "tests between these categories",
    "historical_success_rate": "earlier tests of this pair",
    "historical_total_tests": "earlier tests of this pair",
    "historical_avg_compatibility": "earlier tests of this pair",
}
SIDED = (
    (re.compile(r"is_(.+)"), "{side}"),
    (re.compile(r"category_.+"), "category of {side}"),
    (re.compile(r"state_modifying"), "whether {side} modifies state"),
    (re.compile(r"async_safe"), "whether {side} is safe under async"),
    (re.compile(r"resource_intensive"), "need of resources of {side}"),
    (re.compile(r"n_dependencies"), "external systems of {side}"),
    (re.compile(r"n_lifecycle_hooks"), "lifecycle hooks of {side}"),
    (re.compile(r"tag_.+"), "tags of {side}"),
    (re.compile(r"word_(.+)"), "the word {0!r} in the name"),
    (re.compile(r"words_(?:rate|low)"), "tests of names like {side}"),
    (re.compile(r"stem_rate"), "tests of any version of {side}"),
    (re.compile(r"context_rate"), "tests of {side} under {context}"),
    (re.compile(r"half_rate"), "tests of {side} with versions of the other"),
    (re.compile(r"rate"), "tests of {side} with others"),
    (re.compile(r"described"), "whether {side} is described"),
)


def reasons(params: CompatibilityParams, x: Row, pair: Pair, context: str) -> tuple[str, ...]:
    """Return what moved the pair of one row (d,) beside its own counts, strongest first."""
    design = params.layout.design(x[None, :])[0]
    moved = params.model.explain(design)
    merged = bool(len(params.layout.left))
    totals: dict[str, float] = {}
    for name, value, column in zip(
        params.layout.names, moved.tolist(), design.tolist(), strict=True
    ):
        if value:
            text = phrase(name, column, pair, context, merged=merged)
            totals[text] = totals.get(text, 0.0) + float(value)
    return tuple(_ranked(totals)[:MOST])


def told(own: Own, of: str = "") -> str:
    """Return what was told of a pair; empty where nothing was.

    Args:
        own: Its counts.
        of: The pair, where the question is about others as well.
    """
    s, f = own.told
    if own.n and own.labels >= own.n:
        return f"{_count(own.n, 'label')}{of and ' of '}{of}: {_sides(round(s), round(f))}"
    pair = of or "this pair"
    if own.n:
        kinds = "tests and labels" if own.labels else "tests"
        return f"{s:.0f} of {own.n} {kinds} of {pair} here succeeded"
    s, f = own.elsewhere
    return f"{s:.0f} of {s + f:.0f} outcomes of {pair} elsewhere succeeded" if s + f else ""


def _sides(s: int, f: int) -> str:
    if s and f:
        return f"{s} compatible, {f} incompatible"
    return "compatible" if s else "incompatible"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def phrase(name: str, value: float, pair: Pair, context: str, *, merged: bool) -> str:
    """Return the source that a column stands for, in words."""
    if name.startswith("node_"):
        return context
    plain = PHRASES.get(name)
    if plain is not None:
        return _filled(plain, value, pair, context)
    sides = {"a_": pair[0], "b_": pair[1]}
    side = sides.get(name[:2], "")
    if merged:
        side = pair[0] if pair[0] == pair[1] else f"{pair[0]} or {pair[1]}"
    for pattern, text in SIDED:
        found = pattern.fullmatch(name[2:])
        if found:
            if text == "{side}":
                return _named(found.group(1), pair)
            return text.format(*found.groups(), side=side, context=context)
    return f"{name[2:].replace('_', ' ')} of {side}" if side else name.replace("_", " ")


def _named(name: str, pair: Pair) -> str:
    # A model may learn from the absence of a name as well.
    return name if name in pair else "neither of them is another known component"


def _filled(text: str, value: float, pair: Pair, context: str) -> str:
    on = value > 0
    return text.format(
        same="a component with itself" if on else "two different components",
        category="same category" if on else "different categories",
        state="both modify state" if on else "not both modify state",
        context=context,
        pair=pair,
    )


def _ranked(totals: dict[str, float]) -> Sequence[str]:
    strongest = max((abs(value) for value in totals.values()), default=0.0)
    kept = [it for it in totals.items() if abs(it[1]) > NEGLIGIBLE * strongest]
    kept.sort(key=lambda it: (-abs(it[1]), it[0]))
    return [f"{text}: {'raises' if value > 0 else 'lowers'}" for text, value in kept]
