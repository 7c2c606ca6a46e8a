"""Finds the learners: every module of `learners.catalog` that does not begin with `_`."""

import importlib
import pkgutil
from functools import cache

from learners import catalog as package
from learners.learner import AnyLearner


@cache
def catalog() -> dict[str, AnyLearner]:
    """Return every learner by name, in order of name.

    Raises:
        TypeError: A module does not end in a learner of its own name.
    """
    found = dict[str, AnyLearner]()
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        if module.name.startswith("_"):
            continue
        learner: AnyLearner | None = getattr(
            importlib.import_module(f"{package.__name__}.{module.name}"), "LEARNER", None
        )
        if learner is None or learner.name != module.name:
            name = None if learner is None else learner.name
            raise TypeError(
                f"learners/catalog/{module.name}.py: expected LEARNER named {module.name!r}, "
                f"got {name!r}"
            )
        found[module.name] = learner
    return found
