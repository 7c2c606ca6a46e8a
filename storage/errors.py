"""What can go wrong with the database, by what the reader should do about it.

StorageError
├── Unavailable     try again, or do the next step that the message names
├── Refused         these values cannot be stored: change them
├── WrongDatabase   this program and this database do not belong together: update or restart one
└── Damaged         the stored bytes cannot be trusted: restore a dump
"""


class StorageError(Exception):
    """The base of everything this package raises on purpose; the text is written for a user."""


class Unavailable(StorageError):
    """The database cannot be reached now; the message says why and names the next step."""


class Refused(StorageError):
    """The database takes everything but these values; the message names the kind of fault."""


class WrongDatabase(StorageError):
    """The database is newer, older, edited or of another major version than this program needs."""


class Damaged(StorageError):
    """A checksum did not match or the server refuses its own files."""
