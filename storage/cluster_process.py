"""The server's process: is it alive, is it ours, and how it ends.

A process id proves nothing: it may be a zombie's or have been given to a stranger. So a postmaster
is a live process named postgres whose working directory is the cluster's data. It is stopped by
signals rather than by pg_ctl, so that stopping works after the programs were uninstalled.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from storage.cluster_places import SOCKET, Place

POLL = 0.02  # seconds between two looks at a process
KILL_SECONDS = 2.0  # how long the kernel may take to end a killed process
PID_LINE, RUN_LINE, STATE_LINE = 0, 4, 7  # of postmaster.pid


def pid_lines(place: Place) -> list[str]:
    """Return the lines of postmaster.pid, or none when there is no server and was no crash."""
    try:
        return (place.data / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return []


def line(lines: list[str], number: int) -> str:
    """Return one line of postmaster.pid, empty while the server has not written it yet."""
    return lines[number].strip() if number < len(lines) else ""


def postmaster(place: Place) -> int | None:
    """Return the process id of the running server of this cluster, or None."""
    written = line(pid_lines(place), PID_LINE)
    pid = int(written) if written.isdigit() else 0
    return pid if pid > 1 and _is_postmaster(place, pid) else None


def socket_directory(place: Place) -> Path:
    """Return where the running server listens, else where the next one will.

    They differ when the process that started it had another temporary directory.
    """
    listening = line(pid_lines(place), RUN_LINE)
    return Path(listening) if listening else place.run


def stop(place: Place, *, fast: float, immediate: float) -> bool:
    """Stop the server: politely, then at once, then by killing it; return whether one ran.

    The escalation is needed: a polite stop that arrives while the server recovers from the crash
    of one of its processes may hang for ever.

    Args:
        place: The cluster.
        fast: Seconds for a stop with a checkpoint.
        immediate: Seconds for a stop that leaves recovery to the next start.
    """
    pid = postmaster(place)
    if pid is None:
        return False
    for number, seconds in ((signal.SIGINT, fast), (signal.SIGQUIT, immediate)):
        _send(pid, number)
        if _gone_within(place, pid, seconds):
            return True
    family = [pid, *_children(pid)]
    for member in family:
        _send(member, signal.SIGKILL)
    deadline = time.monotonic() + KILL_SECONDS
    while any(_lives(member) for member in family) and time.monotonic() < deadline:
        time.sleep(POLL)
    return True


def neutralise(place: Place) -> None:
    """Make what a killed server left behind harmless; call only when `postmaster` is None.

    The file is not deleted but made to name a process that has just ended: the server then still
    finds in it the shared memory that surviving processes of the old one may be attached to.
    """
    path = place.data / "postmaster.pid"
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "r+", errors="replace") as file:
            lines = file.read().splitlines()
            if lines:
                lines[PID_LINE] = str(_ended_pid())
                file.seek(0)
                file.write("".join(f"{one}\n" for one in lines))
                file.truncate()  # last: on a full disk the file must not become empty
            else:
                path.unlink()  # the server was killed before it wrote; the next refuses to start
    for directory in {place.run, socket_directory(place)}:
        (directory / f"{SOCKET}.lock").unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    if not Path("/proc/self").exists():  # platform: macOS
        return _is_named_postgres(pid)
    try:
        return _state_and_name(Path("/proc", str(pid)))[0] not in "ZX"
    except OSError:
        return False


def _ended_pid() -> int:
    with subprocess.Popen(["/bin/sh", "-c", ":"], stdin=subprocess.DEVNULL) as child:
        return child.pid


def _is_postmaster(place: Place, pid: int) -> bool:
    process = Path("/proc", str(pid))
    if not Path("/proc/self").exists():  # platform: macOS
        return _is_named_postgres(pid)
    try:
        state, name = _state_and_name(process)
        if state in "ZX" or name not in ("postgres", "postmaster"):
            return False
        return _working_directory(place, process) == str(place.data.resolve())
    except (FileNotFoundError, ProcessLookupError):
        return False


def _state_and_name(process: Path) -> tuple[str, str]:
    text = (process / "stat").read_text(errors="replace")
    name, _, rest = text.partition("(")[2].rpartition(")")
    return rest.split()[0], name


def _working_directory(place: Place, process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except PermissionError:  # platform: container whose root may not read other users' links
        # root of a container may not look into other users' processes, but that user may
        if process.stat().st_uid != place.uid or place.account is None:
            return ""
        asked = ["test", str(process / "cwd"), "-ef", str(place.data)]
        same = place.call(asked, seconds=20).returncode == 0
        return str(place.data.resolve()) if same else ""


def _is_named_postgres(pid: int) -> bool:  # platform: macOS
    asked = ["ps", "-p", str(pid), "-o", "stat=,comm="]
    shown = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split(None, 1)
    return (
        len(shown) > 1
        and not shown[0].startswith("Z")
        and Path(shown[1].strip()).name.startswith(("postgres", "postmaster"))
    )


def _children(pid: int) -> list[int]:
    """Return the backends, which are in sessions of their own and outlive a killed postmaster."""
    if Path("/proc/self").exists():
        pairs = [_pid_and_parent(one) for one in Path("/proc").iterdir() if one.name.isdigit()]
    else:  # platform: macOS
        asked = ["ps", "-A", "-o", "pid=,ppid="]
        shown = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        pairs = [(int(one.split()[0]), int(one.split()[1])) for one in shown.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def _pid_and_parent(process: Path) -> tuple[int, int]:
    try:
        after_name = (process / "stat").read_text(errors="replace").rpartition(")")[2]
    except OSError:
        return 0, 0
    return int(process.name), int(after_name.split()[1])


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _gone_within(place: Place, pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_postmaster(place, pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True
