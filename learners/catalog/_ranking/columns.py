"""The columns of a row, and what the rules make of them before anything was told.

The name of a template is no column, and how often it was shown is none either: the first would only
be learned by heart, the second would let what is shown much be shown more (X-35). How often decides
how far a rate is believed, and nothing else.
"""

from collections.abc import Mapping

TEXT = ("match", "in_name", "in_text", "of_name")
FITS = ("task_type", "language", "framework", "tags")
KIND = ("complexity",)
TASKS = ("alike", "unlike")
RATES = ("base", "success", "success_task_type", "success_language", "recent", "project", "user")
WORTH = ("quality", "seconds")

COLUMNS = (*TEXT, *FITS, *KIND, *TASKS, *RATES, *WORTH)

# In log odds: what templates are ordered by while no version is served, and what the additive
# candidate is pulled to. Rates are shrunk log odds already, each above the one before it.
BELIEVED: Mapping[str, float] = {
    "match": 6.0,
    "task_type": 0.5,
    "language": 1.0,
    "framework": 0.5,
    "tags": 1.0,
    "alike": 0.6,
    "unlike": -0.3,
    "base": 1.0,
    "success": 1.0,
    "success_task_type": 0.5,
    "success_language": 0.5,
    "recent": 0.5,
    "project": 0.5,
    "user": 0.5,
}
