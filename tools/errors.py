"""What can go wrong, as a model reads it: one line, with the field and the next step."""

from learners.errors import LearnerError, NotYet, TryAgain


def in_words(error: LearnerError) -> str:
    """Return an anticipated error in one line that says whether to repeat the call."""
    text = " ".join(str(error).split())
    if isinstance(error, TryAgain) and "repeat" not in text and "again" not in text:
        return f"{text}; the same call may succeed in a moment"
    if isinstance(error, NotYet):
        return f"{text}; tell more outcomes with record_feedback first"
    return text
