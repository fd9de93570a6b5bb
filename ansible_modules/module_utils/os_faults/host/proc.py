"""Processes of this host: identity, children, end. Everything is read from ``/proc``.

A process is identified by its pid and its start time, because pids are reused: a pid alone can't prove that the old
process is gone, or that a pid file is stale.
"""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Container, Iterable, NamedTuple, Sequence

from ansible.module_utils.os_faults.host import clock


class Process(NamedTuple):
    """One process, distinct from any later one with the same pid."""

    pid: int
    start: int
    """Clock ticks between the boot and the start of the process."""


class Stat(NamedTuple):
    """The used fields of ``/proc/PID/stat``."""

    pid: int
    state: str
    parent: int
    session: int
    threads: int
    start: int


def parse_stat(text: str) -> Stat:
    """Parse one ``/proc/PID/stat``; the command in it may contain any character, also ``)``.

    Example:
        >>> parse_stat("7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 4711 0 0")
        Stat(pid=7, state='S', parent=1, session=7, threads=2, start=4711)
    """
    pid, _, rest = text.partition(" ")
    fields = rest.rpartition(")")[2].split()
    return Stat(int(pid), fields[0], int(fields[1]), int(fields[3]), int(fields[17]), int(fields[19]))


def read(path: str) -> str:
    """Return the text of a file below ``/proc``. There are thousands of them, and `open` would be too slow.

    Raises:
        OSError: the process is gone, or the file can't be read by this user.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = list(iter(lambda: os.read(descriptor, 65536), b""))
    finally:
        os.close(descriptor)
    return b"".join(parts).decode("utf-8", "replace")


def stat(pid: int) -> Stat | None:
    """Return the `Stat` of a process; None if it is gone or a zombie."""
    try:
        found = parse_stat(read(f"/proc/{pid:d}/stat"))
    except (OSError, ValueError, IndexError):
        return None
    return None if is_gone(found) else found


def is_gone(found: Stat) -> bool:
    """Return whether no thread of the process runs.

    The main thread of a big process can be a zombie for a while before its other threads have ended.
    """
    return found.state in ("X", "x") or (found.state == "Z" and found.threads <= 1)


def identify(pids: Iterable[int]) -> list[Process]:
    """Return the live processes among ``pids``, sorted by pid."""
    found = (stat(pid) for pid in sorted(set(pids)))
    return [Process(each.pid, each.start) for each in found if each]


def alive(process: Process) -> bool:
    """Return whether this process still lives; a later one with its pid does not count."""
    now = stat(process.pid)
    return now is not None and now.start == process.start


def members(roots: Container[int], stats: Sequence[Stat]) -> list[int]:
    """Return the pids of the process trees of ``roots``, and of the sessions that the roots lead.

    The session also has the children whose parent has died, which are still part of the program.
    """
    found = {each.pid for each in stats if each.pid in roots or each.session in roots}
    grown = True
    while grown:
        children = {each.pid for each in stats if each.parent in found} - found
        found |= children
        grown = bool(children)
    return sorted(found)


def outermost(pids: Container[int], stats: Sequence[Stat]) -> list[Stat]:
    """Return the processes among ``pids`` that do not belong to the program (see `members`) of another one."""
    by_pid = {each.pid: each for each in stats}

    def above(each: Stat) -> set[int]:
        parents = [each]
        while (parent := by_pid.get(parents[-1].parent)) is not None:
            if parent in parents:  # processes have changed during the reading
                break
            parents.append(parent)
        return {pid for one in parents for pid in (one.pid, one.session)} - {each.pid}

    return [each for each in stats if each.pid in pids and not any(pid in pids for pid in above(each))]


def all_stats() -> list[Stat]:
    """Return every process of this host."""
    return [found for found in (stat(int(name)) for name in os.listdir("/proc") if name.isdigit()) if found]


def users(pid: int) -> tuple[int, int, int] | None:
    """Return the real, effective and saved user of a process; None if it is gone."""
    try:
        status = read(f"/proc/{pid:d}/status")
    except OSError:
        return None
    # The line before has the name of the process, with any character except a line break.
    found = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)", status, re.MULTILINE)
    return (int(found.group(1)), int(found.group(2)), int(found.group(3))) if found else None


def trees(roots: Iterable[int]) -> list[int]:
    """Return the pids of the programs with the main processes ``roots``."""
    wanted = set(roots)
    if not wanted:
        return []
    stats = all_stats()
    return members(wanted & {each.pid for each in stats}, stats)


def started_at(process_start: int) -> float:
    """Return a start time in ticks as seconds since the epoch.

    The kernel derives the boot time from the current clock. If `skew_clock` has set it, the earlier time is returned.
    """
    with open("/proc/stat", encoding="ascii") as file:
        boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    right = clock.boot()
    return (boot if right is None else min(boot, right)) + process_start / os.sysconf("SC_CLK_TCK")


def ancestors() -> list[int]:
    """Return the pids of this process and of its parents, without pid 1."""
    pids: list[int] = []
    now = stat(os.getpid())
    while now is not None and now.pid > 1:
        pids.append(now.pid)
        now = stat(now.parent)
    return pids


def send(processes: Iterable[Process], number: signal.Signals) -> None:
    """Send a signal to each live process."""
    for process in processes:
        if alive(process):
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                pass


def wait_gone(processes: Iterable[Process], deadline: float, insist: signal.Signals | None = None) -> list[Process]:
    """Wait until all processes are gone; return those that live at the deadline.

    Args:
        processes: the processes.
        deadline: by `time.monotonic`.
        insist: signal to send again and again to live ones.
    """
    left = [process for process in processes if alive(process)]
    pause = 0.005
    while left and time.monotonic() < deadline:
        if insist is not None:
            send(left, insist)
        time.sleep(pause)
        pause = min(pause * 2, 0.2)
        left = [process for process in left if alive(process)]
    return left
