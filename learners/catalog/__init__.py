"""One module per learner, each ending in `LEARNER`; shared code of a family begins with `_`."""
