"""The server ends soon after its last client, however that client ended, and never before."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from storage.embedded import attach, locate, status

Client = Callable[..., subprocess.Popen[str]]
Eventually = Callable[..., None]
Processes = Callable[[Path], dict[int, str]]


WATCHER, SHELL = " -m storage.watcher ", "/bin/sh -c "


def ready(client: subprocess.Popen[str]) -> None:
    """Wait until a client has attached."""
    assert client.stdout
    assert client.stdout.readline()


def watchers(processes: dict[int, str]) -> list[int]:
    """The watchers among some processes."""
    return [
        pid for pid, command in processes.items() if WATCHER in command and SHELL not in command
    ]


def guards(processes: dict[int, str]) -> list[int]:
    """The shells that start a killed watcher again."""
    return [pid for pid, command in processes.items() if WATCHER in command and SHELL in command]


def test_the_server_stops_after_the_last_client_is_killed(
    warm: Path, client: Client, eventually: Eventually, processes: Processes
) -> None:
    clients = [client(warm), client(warm)]
    for one in clients:
        ready(one)
    for one in clients:
        one.kill()
        one.wait()
    eventually(lambda: not processes(locate(warm).base), seconds=10)
    assert not (locate(warm).data / "postmaster.pid").exists()  # it was stopped politely


def test_the_server_stops_after_the_last_client_released(
    warm: Path, eventually: Eventually, processes: Processes
) -> None:
    attach(warm).release()
    assert status(warm).running
    base = locate(warm).base
    eventually(lambda: not processes(base), seconds=10)


def test_a_second_client_keeps_the_server(
    warm: Path, client: Client, eventually: Eventually, processes: Processes
) -> None:
    first, second = client(warm), client(warm)
    ready(first)
    ready(second)
    pid = status(warm).pid
    first.kill()
    first.wait()
    third = client(warm)  # a client that comes and goes must not end it either
    ready(third)
    third.communicate(input="")
    assert status(warm).pid == pid
    second.communicate(input="")
    eventually(lambda: not processes(locate(warm).base), seconds=10)


def test_a_client_that_follows_soon_finds_the_server_running(warm: Path, client: Client) -> None:
    first = client(warm)
    ready(first)
    pid = status(warm).pid
    first.communicate(input="")
    second = client(warm)
    ready(second)
    assert status(warm).pid == pid


def test_there_is_one_watcher_however_many_clients(
    warm: Path, client: Client, processes: Processes
) -> None:
    for one in [client(warm) for _ in range(3)]:
        ready(one)
    assert len(watchers(processes(locate(warm).base))) == 1


def test_the_server_stops_although_the_watcher_and_all_clients_are_killed(
    warm: Path, client: Client, eventually: Eventually, processes: Processes
) -> None:
    base = locate(warm).base
    only = client(warm)
    ready(only)
    eventually(lambda: watchers(processes(base)))
    (watcher,) = watchers(processes(base))
    os.kill(watcher, signal.SIGKILL)
    only.kill()
    only.wait()
    eventually(lambda: not processes(base), seconds=10)
    assert not (locate(warm).data / "postmaster.pid").exists()  # it was stopped politely


def test_a_watcher_killed_with_its_guard_is_replaced_when_a_client_leaves(
    warm: Path, eventually: Eventually, processes: Processes
) -> None:
    lease = attach(warm)
    base = lease.place.base
    eventually(lambda: watchers(processes(base)))
    for pid in [*guards(processes(base)), *watchers(processes(base))]:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not watchers(processes(base)))
    lease.release()
    eventually(lambda: not processes(base), seconds=10)


def test_a_server_left_alone_by_the_death_of_all_others_is_taken_care_of_by_the_next_client(
    warm: Path, client: Client, eventually: Eventually, processes: Processes
) -> None:
    base = locate(warm).base
    only = client(warm)
    ready(only)
    eventually(lambda: watchers(processes(base)))
    for pid in [*guards(processes(base)), *watchers(processes(base)), only.pid]:
        os.kill(pid, signal.SIGKILL)
    only.wait()
    assert status(warm).running
    attach(warm).release()
    eventually(lambda: not processes(base), seconds=10)


def test_a_client_killed_during_initdb_leaves_nothing(
    directory: Path, client: Client, eventually: Eventually, processes: Processes
) -> None:
    place = locate(directory)
    victim = client(directory)
    eventually((place.unfinished / "PG_VERSION").exists)
    victim.kill()
    victim.wait()
    eventually(lambda: not processes(place.base), seconds=15)
    assert not place.data.exists()
    assert not place.unfinished.exists()
    with attach(directory):
        assert status(directory).running


def test_a_client_killed_during_a_start_leaves_nothing(
    warm: Path, client: Client, eventually: Eventually, processes: Processes
) -> None:
    base = locate(warm).base
    victim = client(warm)
    eventually(lambda: any("pg_ctl" in command for command in processes(base).values()))
    victim.kill()
    victim.wait()
    eventually(lambda: not processes(base), seconds=10)


def test_a_server_that_hangs_is_killed_in_time(
    warm: Path, client: Client, eventually: Eventually, processes: Processes
) -> None:
    only = client(warm)
    ready(only)
    pid = status(warm).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    only.kill()
    only.wait()
    eventually(lambda: not processes(locate(warm).base), seconds=10)
