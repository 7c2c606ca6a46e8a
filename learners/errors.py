"""What can go wrong in learning, by what the caller should do about it.

* LearnerError
    * NotYet: wait for more evidence; the answer or the run is skipped, not failed
        * TooFewExamples
    * WrongInput: correct the call
        * UnknownLearner
        * UnknownVersion
        * UnknownDecision
        * InvalidFacts
            * SaysNothing
        * Conflict
        * NotReproducible
    * TryAgain: the same call may succeed later
        * NotStored
        * Busy
    * Refused: bytes or rows that are not what they claim to be; the previous version stays
        * StaleRevision
        * Damaged
"""


class LearnerError(Exception):
    """Base of everything anticipated; its text is written for the caller."""


class NotYet(LearnerError):
    """More evidence is needed."""


class TooFewExamples(NotYet):
    """A candidate cannot be fitted on so few examples; the text names the missing number."""


class WrongInput(LearnerError):
    """The call names something that does not exist or contradicts what is stored."""


class UnknownLearner(WrongInput):
    """No learner of that name; the text lists the names."""


class UnknownVersion(WrongInput):
    """No such version of that learner; the text lists the versions."""


class UnknownDecision(WrongInput):
    """No decision of that id, and no facts to use instead."""


class InvalidFacts(WrongInput):
    """The facts do not fit the learner's query; the text names the field."""


class SaysNothing(InvalidFacts):
    """An outcome that says nothing to anybody it is for; the text names what would."""


class Conflict(WrongInput):
    """The key was used before, for something else."""


class NotReproducible(WrongInput):
    """That version cannot be made again; the text says why."""


class TryAgain(LearnerError):
    """Repeat the same call."""


class NotStored(TryAgain):
    """The database was away for the whole deadline: repeat with the same key."""


class Busy(TryAgain):
    """Too much is waiting to be written."""


class Refused(LearnerError):
    """Stored bytes were refused."""


class StaleRevision(Refused):
    """Written by another revision of the feature code: rebuilt by replay, never misread."""


class Damaged(Refused):
    """A checksum or a structure does not match."""
