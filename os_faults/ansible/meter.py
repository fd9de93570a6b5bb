"""The cost of a run on the controller: processor time, memory, and the number of hosts at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from os_faults.model import Cost

_TICK = os.sysconf("SC_CLK_TCK")
#: Seconds between two measurements of the memory: the first is soon, as most runs are short.
_FIRST, _OFTEN = 0.1, 0.5
#: Measurements may take this share of the time; the kernel is slow for a process with much memory.
_SHARE = 0.02
#: More worker processes than this on one core only wait for each other.
_PER_CORE = 25
_MOST = 100
#: Measured memory of Ansible, in MB: at its start, and for each host at a time (worker process and ssh client).
_BASE_MB, _FORK_MB = 45, 11
#: Files with the memory limit of the container and with its usage, in bytes.
_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def forks(nodes: int, cores: int, free_mb: float) -> int:
    """Return the number of hosts on which Ansible works at a time.

    Args:
        nodes: number of nodes.
        cores: cores of the controller. There are more worker processes than cores, as most of them wait for hosts.
        free_mb: free memory of the controller, in MB; half of it is used.

    Example:
        >>> forks(200, 2, 16000)
        50
        >>> forks(200, 2, 300)
        9
    """
    fit = int((free_mb / 2 - _BASE_MB) / _FORK_MB)
    return max(1, min(nodes, _PER_CORE * cores, _MOST, max(fit, 1)))


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def free_mb() -> float:
    """Return the free memory of this machine, or of its container, in MB."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    free = [float(fields["MemAvailable"].split()[0]) / 1024]
    for limit, used in _LIMITS:
        with suppress(OSError, ValueError):  # no such limit
            free.append((int(Path(limit).read_text()) - int(Path(used).read_text())) / 2**20)
    return max(0.0, min(free))


class Meter:
    """Measures the cost of a ``with`` block, in this process and its descendants.

    Example:
        >>> with Meter() as meter:
        ...     sum(range(10))
        45
        >>> meter.cost(forks=1).cpu_seconds < 1
        True
    """

    def __init__(self) -> None:
        self._peak = 0
        self._cpu = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="os-faults-meter", daemon=True)

    def __enter__(self) -> Meter:
        self._cpu = -_cpu_seconds()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._cpu += _cpu_seconds()

    def cost(self, forks: int) -> Cost:
        """Return the cost of the block.

        Args:
            forks: number of hosts at a time.
        """
        return Cost(round(max(0.0, self._cpu), 3), round(self._peak / 1024), forks)

    def _look(self) -> None:
        wait = _FIRST
        while not self._ended.wait(wait):
            begin = time.monotonic()
            self._peak = max(self._peak, _sight.memory_kb())
            wait = max(min(2 * wait, _OFTEN), (time.monotonic() - begin) / _SHARE)


class _Sight:
    """The memory of this process's descendants, measured once for all simultaneous runs.

    A measurement costs a millisecond for each process: eight runs with separate measurements took 0.1 s more.
    """

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Start again: a forked child has other descendants, and no thread that would release the lock."""
        self._turn = threading.Lock()
        self._seen = -_FIRST
        self._memory = 0

    def memory_kb(self) -> int:
        """Return the memory now, or at the last measurement shortly before, in kB."""
        with self._turn:
            if time.monotonic() - self._seen >= _FIRST:
                self._memory = sum(_memory_kb(pid) for pid in _started_by(os.getpid()))
                self._seen = time.monotonic()
            return self._memory


_sight = _Sight()


def _cpu_seconds() -> float:
    """Return the CPU time of this process and its descendants, ended or not, in seconds."""
    return sum(_cpu_of(pid) for pid in (os.getpid(), *_started_by(os.getpid())))


def _cpu_of(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICK  # its own time, and that of its ended children
    return 0.0


def _memory_kb(pid: int) -> int:
    """Return the memory of a process in kB; a shared page is divided among its processes."""
    with suppress(OSError):  # it has ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _started_by(pid: int) -> Iterator[int]:
    """Yield the descendants of a process, if the kernel lists them."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text(encoding="ascii").split()):
                yield child
                yield from _started_by(child)
