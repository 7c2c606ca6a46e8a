"""What the characteristics alone say, where nothing was told: verdicts with reasons, no numbers."""

from collections.abc import Sequence

from learners.catalog._compatibility.types import Component, Context, Verdict

CROWDED = 2  # shared hooks from which the order of two components matters


def judge(a: Component, b: Component, where: Context) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict of the rules and why; unknown where a component is not described."""
    strangers = [it.name for it in dict.fromkeys((a, b)) if not it.described]
    if strangers:
        return "unknown", tuple(f"{name} is not described" for name in strangers)
    against = conflicts(a, b, where)
    if against:
        return "incompatible", against
    return "compatible", ("no rule speaks against it",)


def conflicts(a: Component, b: Component, where: Context) -> tuple[str, ...]:
    """Return what speaks against a pair, strongest first."""
    found: list[str] = []
    if a.name == b.name:
        found.append(f"{a.name} is combined with itself")
    for it in dict.fromkeys((a, b)):
        found += _misplaced(it, where)
    if a.name != b.name and {"state_modifying"} <= (a.flags & b.flags):
        if a.category != b.category:
            found.append("both modify state, in different layers")
        elif len(a.hooks & b.hooks) >= CROWDED:
            found.append("both modify state in the same lifecycle hooks")
    return tuple(found)


def shared(a: Component, b: Component, where: Context) -> tuple[str, ...]:
    """Return what is worth a warning without being a conflict."""
    found = [
        f"{it.name} is not safe under async by itself, which {where.name} requires"
        for it in dict.fromkeys((a, b))
        if it.described and "async_required" in where.flags and "async_safe" not in it.flags
    ]
    hooks = sorted(a.hooks & b.hooks)
    if hooks and a.name != b.name:
        found.append(f"{a.name} and {b.name} share hooks: {', '.join(hooks)}")
    if a.name != b.name and "state_modifying" in (a.flags & b.flags):
        found.append(f"{a.name} and {b.name} both modify state")
    return tuple(found)


def ways_out(a: Component, b: Component, where: Context) -> Sequence[str]:
    """Return what would remove the conflicts that the rules know."""
    found: list[str] = []
    if a.name == b.name:
        found.append(f"use {a.name} once")
    else:
        if "state_modifying" in (a.flags & b.flags) and a.hooks & b.hooks:
            found.append(f"fix the order of {a.name} and {b.name} in the hooks they share")
        found += [
            f"move {it.name} to a node type that suits it" for it in (a, b) if _misplaced(it, where)
        ]
    return found


def _misplaced(it: Component, where: Context) -> list[str]:
    found: list[str] = []
    if not where.flags and it.dependencies:
        found.append(f"{it.name} needs {_listed(it.dependencies)}, {where.name} is pure")
    elif not where.flags and "state_modifying" in it.flags:
        found.append(f"{it.name} modifies state, {where.name} is pure")
    return found


def _listed(names: frozenset[str]) -> str:
    return " and ".join(sorted(names))
