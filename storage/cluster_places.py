"""Where a cluster lives and as whom it runs.

The server refuses to run as root. Root therefore lends it to an existing account, owns the
cluster's directory itself and gives the account the directories inside; nothing else changes hands.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from storage.cluster_locks import CLIENTS, GATE, open_lock
from storage.errors import Unavailable

ROOT_STATE = Path("/var/lib/foresight")
ACCOUNTS = ("postgres", "nobody")
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 100  # bytes; the kernel's limit is 108 on Linux and 104 on macOS
OURS = frozenset({GATE, "data", "data.new"})
CONVERTED = "data.next"


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group ids that the server runs under."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """The directories of one cluster; `account` is None when it runs as whoever calls."""

    base: Path
    run: Path  # the socket's directory: outside base when base is too long for a socket
    account: Account | None = None

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.base / "data"

    @property
    def unfinished(self) -> Path:
        """Where initdb works; renamed to `data` once it is whole."""
        return self.base / "data.new"

    @property
    def beside(self) -> "Place":
        """The cluster that an upgrade makes; what it makes ends as this one's data."""
        return replace(self, base=self.base / "upgrade")

    @property
    def converted(self) -> Path:
        """What an upgrade has made, whole, just before it is renamed to `data`."""
        return self.base / CONVERTED

    def kept(self, major: int) -> Path:
        """Return where an upgrade keeps the data of the major version that was before."""
        return self.base / f"data.{major}"

    @property
    def log(self) -> Path:
        """The directory of the server's logs, one file per weekday."""
        return self.base / "log"

    @property
    def dumps(self) -> Path:
        """The directory of the dumps written before migrations."""
        return self.base / "dumps"

    @property
    def uid(self) -> int:
        """The user id of the server's processes."""
        return self.account.uid if self.account else os.geteuid()

    def major(self) -> int | None:
        """Return the major version that wrote the data, or None when there is none yet."""
        try:
            return int((self.data / "PG_VERSION").read_text().strip())
        except FileNotFoundError:
            return None

    def call(
        self, command: Sequence[str], *, seconds: float, inherited: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program as the account, in a session and an environment of its own."""
        return call(self.account, command, seconds=seconds, cwd=self.base, inherited=inherited)


def locate(requested: Path, account: str | None = None) -> Place:
    """Say where the cluster for a directory lives, creating nothing.

    That is `requested` itself, except for root when the account cannot get there: then a directory
    below /var/lib/foresight, and it stays there once it has data.

    Raises:
        Unavailable: There is no account to run as, or it cannot reach data that exists.
    """
    base = requested.expanduser().absolute()
    if os.geteuid() != 0:  # platform: ordinary user
        return Place(base, _run(base, os.geteuid()))
    return _lent(base, account)  # platform: root


def _lent(base: Path, account: str | None) -> Place:  # platform: root
    elsewhere = ROOT_STATE / _digest(base)
    for home in (elsewhere, base):
        # killed between its last two steps, an upgrade leaves the data under its other name
        if owner := _owner(home / "data") or _owner(home / CONVERTED):
            if not _reaches(owner, home):
                raise Unavailable(_unreachable(home, owner))
            return Place(home, _run(home, owner.uid), owner)
    chosen = _account(account)
    home = base if _reaches(chosen, base) else elsewhere
    return Place(home, _run(home, chosen.uid), chosen)


def prepare(place: Place) -> None:
    """Create the cluster's directories with their owners and modes.

    Raises:
        Unavailable: The directory holds something else, or the socket's directory is not ours.
        OSError: The disk refused.
    """
    _make_parents(place.base)
    place.base.mkdir(mode=0o700, exist_ok=True)
    if not (place.base / GATE).exists():
        _refuse_foreign(place.base)
        os.close(open_lock(place.base / GATE))
    os.close(open_lock(place.base / CLIENTS))
    if place.base.stat().st_uid == place.uid:
        place.base.chmod(0o700)
    elif place.account:  # platform: root
        os.chown(place.base, 0, place.account.gid)
        place.base.chmod(0o710)
    own(place, place.log)
    own(place, place.run)


def own(place: Place, directory: Path) -> None:
    """Create a private directory of the server's account, or verify that it is one.

    Raises:
        Unavailable: It belongs to somebody else, as may happen in a shared temporary directory.
    """
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if place.account:  # platform: root
            os.chown(directory, place.account.uid, place.account.gid, follow_symlinks=False)
    found = directory.lstat()
    if place.account and found.st_uid == 0 and directory.parent == place.base:  # platform: root
        # made by a process that was killed before it could hand the directory over
        os.chown(directory, place.account.uid, place.account.gid, follow_symlinks=False)
        found = directory.lstat()
    if found.st_uid != place.uid or directory.is_symlink() or not directory.is_dir():
        raise Unavailable(
            f"Expected {directory} to be a directory of user id {place.uid}, found one of "
            f"{found.st_uid}. Remove it, or set another FORESIGHT_DATA_DIR."
        )
    if found.st_mode & 0o077:
        directory.chmod(0o700)


def call(
    account: Account | None,
    command: Sequence[str],
    *,
    seconds: float,
    cwd: Path = Path("/"),
    inherited: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program with nothing of the caller's environment, terminal or groups.

    It ends with what it started when the caller is interrupted, but for what is in a session of
    its own by then, as a server is.

    Raises:
        OSError: The program could not be started.
        subprocess.TimeoutExpired: It took longer than `seconds`.
    """
    with subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"},
        cwd=cwd,
        pass_fds=inherited,
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    ) as process:
        try:
            return subprocess.CompletedProcess(command, process.wait(seconds))
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def _account(name: str | None) -> Account:
    import pwd  # absent on Windows

    for candidate in (name,) if name else ACCOUNTS:
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise Unavailable(
        f"PostgreSQL does not run as root; expected an account named {name or 'postgres or nobody'}"
        ", found none. Name an existing one in FORESIGHT_PG_ACCOUNT, start Foresight as another "
        "user, or set FORESIGHT_DATABASE_URL."
    )


def _owner(data: Path) -> Account | None:  # platform: root
    try:
        found = (data / "PG_VERSION").stat()
    except OSError:
        return None
    return Account(found.st_uid, found.st_gid) if found.st_uid else None


def _reaches(account: Account, base: Path) -> bool:  # platform: root
    # base itself will be made traversable, so its nearest existing ancestor decides; asking the
    # kernel as that account honours access lists and read-only mounts, which modes do not show
    ancestor = next(one for one in base.parents if one.is_dir())
    return call(account, ["test", "-x", str(ancestor)], seconds=20).returncode == 0


def _unreachable(home: Path, account: Account) -> str:  # platform: root
    return (
        f"The data in {home} belongs to user id {account.uid}, which cannot traverse to it any "
        f"more. Give the directories above it the mode o+x, or run Foresight as that user."
    )


def _run(base: Path, uid: int) -> Path:
    import tempfile  # here, so that the watcher stays small

    name = f"foresight-{uid}-{_digest(base)}"
    runtime = os.environ.get("XDG_RUNTIME_DIR") if uid == os.geteuid() and uid != 0 else None
    homes = (runtime, tempfile.gettempdir(), "/tmp")  # noqa: S108 - verified before use
    candidates = [base / "run", *(Path(home, name) for home in homes if home)]
    return next((one for one in candidates if _fits_a_socket(one)), candidates[-1])


def _fits_a_socket(directory: Path) -> bool:
    # a comma separates hosts for every client of PostgreSQL, so such a path cannot be one
    return len(os.fsencode(directory / SOCKET)) <= LONGEST_SOCKET and "," not in str(directory)


def _digest(path: Path) -> str:
    import hashlib  # here, so that the watcher stays small

    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _make_parents(base: Path) -> None:
    missing = [one for one in base.parents if not one.exists()]
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        if os.geteuid() == 0:  # platform: root
            directory.chmod(0o711)  # a strict umask would lock the account out


def _refuse_foreign(base: Path) -> None:
    others = {one.name for one in base.iterdir()} - {"lost+found"}
    if others and not others & OURS:
        raise Unavailable(
            f"Expected {base} to be empty or a cluster of Foresight, found {min(others)!r} in it. "
            "Name an empty or new directory."
        )
