"""Processes of this host: who they are, who their children are, and whether they are gone.

A process is identified by its pid together with its start time, because pids are used again: "the old process is
gone" and "the pid file is stale" can't be told from a pid alone. Everything is read from ``/proc``.
"""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Container, Iterable, NamedTuple, Sequence

from ansible.module_utils.os_faults.host import clock


class Process(NamedTuple):
    """One process, told apart from any later one with the same pid."""

    pid: int
    start: int
    """Clock ticks between the boot and the start of the process."""


class Stat(NamedTuple):
    """The fields of ``/proc/PID/stat`` that are of use here."""

    pid: int
    state: str
    parent: int
    session: int
    threads: int
    start: int


def parse_stat(text: str) -> Stat:
    """Parse one ``/proc/PID/stat``; the command in it may hold any character, ``)`` included.

    Example:
        >>> parse_stat("7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 4711 0 0")
        Stat(pid=7, state='S', parent=1, session=7, threads=2, start=4711)
    """
    pid, _, rest = text.partition(" ")
    fields = rest.rpartition(")")[2].split()
    return Stat(int(pid), fields[0], int(fields[1]), int(fields[3]), int(fields[17]), int(fields[19]))


def read(path: str) -> str:
    """Return the text of a file below ``/proc``, where `open` would take most of the time: there are thousands.

    Raises:
        OSError: the process is gone, or not ours to look at.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = list(iter(lambda: os.read(descriptor, 65536), b""))
    finally:
        os.close(descriptor)
    return b"".join(parts).decode("utf-8", "replace")


def stat(pid: int) -> Stat | None:
    """Return the process' `Stat`, or None when it is gone or only waits to be reaped."""
    try:
        found = parse_stat(read(f"/proc/{pid:d}/stat"))
    except (OSError, ValueError, IndexError):
        return None
    return None if is_gone(found) else found


def is_gone(found: Stat) -> bool:
    """Return whether nothing of the process runs any more.

    The main thread of a big process can be a zombie for a while, when its other threads are still on their way out.
    """
    return found.state in ("X", "x") or (found.state == "Z" and found.threads <= 1)


def identify(pids: Iterable[int]) -> list[Process]:
    """Return those of ``pids`` that live, with their start times, in order of pid."""
    found = (stat(pid) for pid in sorted(set(pids)))
    return [Process(each.pid, each.start) for each in found if each]


def alive(process: Process) -> bool:
    """Return whether this very process still lives (a later one with its pid doesn't count)."""
    now = stat(process.pid)
    return now is not None and now.start == process.start


def members(roots: Container[int], stats: Sequence[Stat]) -> list[int]:
    """Return the pids of the trees under ``roots``, and of the sessions that these lead.

    The session finds children whose parent has died: init adopted them, but they are still part of the program.
    """
    found = {each.pid for each in stats if each.pid in roots or each.session in roots}
    grown = True
    while grown:
        children = {each.pid for each in stats if each.parent in found} - found
        found |= children
        grown = bool(children)
    return sorted(found)


def outermost(pids: Container[int], stats: Sequence[Stat]) -> list[Stat]:
    """Return those of ``pids`` that are in the program (see `members`) of no other one of them."""
    by_pid = {each.pid: each for each in stats}

    def above(each: Stat) -> set[int]:
        parents = [each]
        while (parent := by_pid.get(parents[-1].parent)) is not None:
            if parent in parents:  # processes came and went while they were read
                break
            parents.append(parent)
        return {pid for one in parents for pid in (one.pid, one.session)} - {each.pid}

    return [each for each in stats if each.pid in pids and not any(pid in pids for pid in above(each))]


def all_stats() -> list[Stat]:
    """Return every process of this host."""
    return [found for found in (stat(int(name)) for name in os.listdir("/proc") if name.isdigit()) if found]


def users(pid: int) -> tuple[int, int, int] | None:
    """Return the real, effective and saved user of a process, None when it is gone."""
    try:
        status = read(f"/proc/{pid:d}/status")
    except OSError:
        return None
    # The name of the process comes before, and may hold any character but a line break.
    found = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)", status, re.MULTILINE)
    return (int(found.group(1)), int(found.group(2)), int(found.group(3))) if found else None


def trees(roots: Iterable[int]) -> list[int]:
    """Return the pids of the programs whose main processes are ``roots``; one that is gone has none."""
    wanted = set(roots)
    if not wanted:
        return []
    stats = all_stats()
    return members(wanted & {each.pid for each in stats}, stats)


def started_at(process_start: int) -> float:
    """Turn a start time in ticks into seconds since the epoch.

    The kernel counts it back from the clock of now. Where we have set that, the earlier of the two times is returned.
    """
    with open("/proc/stat", encoding="ascii") as file:
        boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    right = clock.boot()
    return (boot if right is None else min(boot, right)) + process_start / os.sysconf("SC_CLK_TCK")


def ancestors() -> list[int]:
    """Return the pids of this process and of its parents, up to but without pid 1."""
    pids: list[int] = []
    now = stat(os.getpid())
    while now is not None and now.pid > 1:
        pids.append(now.pid)
        now = stat(now.parent)
    return pids


def send(processes: Iterable[Process], number: signal.Signals) -> None:
    """Send a signal to each of the processes that still lives."""
    for process in processes:
        if alive(process):
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                pass


def wait_gone(processes: Iterable[Process], deadline: float, insist: signal.Signals | None = None) -> list[Process]:
    """Wait until all of the processes are gone; return those left at the deadline (monotonic seconds).

    Args:
        processes: whom to wait for.
        deadline: when to give up, as `time.monotonic` counts.
        insist: a signal to send again and again to those that are left.
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
