"""Times as options: a date or a date with a time, in UTC unless it says otherwise."""

from datetime import UTC, datetime

from learners.errors import WrongInput


def moment(option: str, text: str) -> datetime | None:
    """Return the time that an option names; None where it is empty.

    Raises:
        WrongInput: It is not a time.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise WrongInput(
            f"{option}: expected a date or a time such as 2026-01-31 or 2026-01-31T12:00+01:00; "
            f"got {text[:40]!r}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
