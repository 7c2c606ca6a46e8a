"""Bearer tokens of the HTTP transport: what is kept of them, and who one belongs to.

A token is shown once, when it is made; a JSON file in the data directory keeps its SHA-256. That
needs neither salt nor a slow hash: nobody guesses 256 random bits. The file is replaced as a whole,
so a server that looks at it before every request sees the old list or the new one.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from learners.errors import WrongInput
from learners.wording import problems
from server.settings import TOOLSETS

FILE = "http-tokens.json"
MARK = "fst_"  # lets scanners of secrets recognise a token
RANDOM_BYTES = 32
NAME = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,59}"
LARGEST = 1_000_000  # bytes of the file
LONGEST_LIFE = 36_500  # days
DAY = 86_400.0
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

logger = structlog.get_logger("foresight.tokens")


class Token(BaseModel):
    """What is kept of a token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=f"^{NAME}$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: tuple[str, ...] = Field(min_length=1)
    created: float = Field(allow_inf_nan=False, description="seconds since 1970, as is expires")
    expires: float | None = Field(None, allow_inf_nan=False, description="null: never")

    @field_validator("scopes")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [scope for scope in value if scope not in TOOLSETS]:
            raise ValueError(f"expected some of {', '.join(TOOLSETS)}; got {unknown[0]!r:.60}")
        return tuple(scope for scope in TOOLSETS if scope in value)

    def valid(self, now: float) -> bool:
        """Return whether it has not expired."""
        return self.expires is None or now < self.expires


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: tuple[Token, ...]


def digest(token: str) -> str:
    """Return what is kept instead of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def read(directory: Path) -> tuple[Token, ...]:
    """Return the tokens of a data directory; there are none before the first is added.

    Raises:
        WrongInput: The file cannot be trusted or understood.
    """
    path = directory / FILE
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & OTHERS_WRITE:
                raise WrongInput(
                    f"{path}: expected a file that its owner alone can write; `chmod 600 {path}`"
                )
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise WrongInput(f"{path}: expected a readable file: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise WrongInput(f"{path}: expected at most {LARGEST} bytes; {_ANEW}")
    try:
        return _Kept.model_validate_json(data).tokens
    except ValidationError as error:
        raise WrongInput(f"{path}: {'; '.join(problems(error))}; {_ANEW}") from None


_ANEW = "delete it and add the tokens anew with `foresight token add`"


def add(
    directory: Path, name: str, scopes: Iterable[str], days: float | None = None
) -> tuple[str, Token]:
    """Make a token; return it, which is nowhere else, and what is kept of it.

    Raises:
        WrongInput: Naming the field.
    """
    if not re.fullmatch(NAME, name):
        raise WrongInput(
            "name: expected 1 to 60 letters, digits or . _ @ -, a letter or digit first; "
            f"got {name!r:.70}"
        )
    now = time.time()
    secret = MARK + secrets.token_urlsafe(RANDOM_BYTES)
    try:
        token = Token(
            name=name,
            sha256=digest(secret),
            scopes=tuple(scopes),
            created=now,
            expires=None if days is None else now + days * DAY,
        )
    except ValidationError as error:
        raise WrongInput("; ".join(problems(error))) from None
    with _alone(directory):
        kept = read(directory)
        if any(each.name == name for each in kept):
            raise WrongInput(
                f"name: there is a token {name!r}; choose another name, or "
                f"`foresight token remove {name}` first"
            )
        _write(directory, (*kept, token))
    return secret, token


def remove(directory: Path, name: str) -> None:
    """Forget a token: what is presented from now on is refused.

    Raises:
        WrongInput: There is none of that name.
    """
    with _alone(directory):
        kept = read(directory)
        rest = tuple(each for each in kept if each.name != name)
        if len(rest) == len(kept):
            names = ", ".join(each.name for each in kept) or "none yet"
            raise WrongInput(f"name: expected one of {names}; got {name!r:.60}")
        _write(directory, rest)


@contextmanager
def _alone(directory: Path) -> Generator[None, None, None]:
    """Let one process at a time change the file."""
    import fcntl  # absent on Windows, where this module must still import

    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(directory: Path, tokens: tuple[Token, ...]) -> None:
    text = json.dumps(_Kept(tokens=tokens).model_dump(mode="json"), indent=2) + "\n"
    descriptor, half = tempfile.mkstemp(prefix=f"{FILE}.", dir=directory)  # is made with 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(half).replace(directory / FILE)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class Tokens:
    """The tokens of a data directory as they stand now, read again whenever the file changes."""

    directory: Path
    _seen: tuple[int, ...] | None = field(default=None, init=False)
    _kept: tuple[Token, ...] = field(default=(), init=False)

    def owner(self, presented: str) -> Token | None:
        """Return what is kept of a presented token, unless it is unknown or has expired."""
        wanted, found = digest(presented), None
        for token in self.current():
            # all are compared, each in constant time: how long it takes says nothing
            if hmac.compare_digest(token.sha256, wanted):
                found = token
        return found if found is not None and found.valid(time.time()) else None

    def current(self) -> tuple[Token, ...]:
        """Return what the file holds; a file that cannot be trusted holds nothing."""
        seen = self._stamp()
        if seen != self._seen:
            try:
                self._kept = read(self.directory)
            except WrongInput as error:
                logger.error("tokens refused", reason=str(error))
                self._kept = ()
            self._seen = seen
        return self._kept

    def _stamp(self) -> tuple[int, ...]:
        try:
            state = (self.directory / FILE).stat()
        except OSError:
            return ()
        return (state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_mode)
