"""Faults of this machine that a test leaves: the next test would list them, and be taken for the one that is wrong."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds for which a fault may still be on its way back.
PATIENCE = 5.0
_ROOTS = ("/run/os-faults", "/var/lib/os-faults", "/tmp/os-faults-[0-9]*", f"{Path.home()}/.os-faults-*")
#: RLIMIT_LOCKS, which limits nothing since Linux 2.4.
_LOCKS = 10


@contextmanager
def marked_run(run: int = os.getpid()) -> Iterator[None]:
    """Mark all that is started in the block as a run's, this one's by default, by what even ``env -i`` passes on."""
    before, hard = resource.getrlimit(_LOCKS)
    resource.setrlimit(_LOCKS, (run, hard))
    try:
        yield
    finally:
        resource.setrlimit(_LOCKS, (before, hard))


def faults_of_this_machine(own: Iterable[Path] = ()) -> set[Path]:
    """Return the directories of the faults of every user, but those of other runs.

    Args:
        own: directories of this run alone, in which faults are kept, too.
    """
    shared = (root for pattern in _ROOTS for root in Path("/").glob(pattern[1:]))
    return _holds_in(own) | {hold for hold in _holds_in(shared) if not _is_others(hold)}


def _holds_in(roots: Iterable[Path]) -> set[Path]:
    return {path.parent.resolve() for root in roots for path in root.glob("*/record.json")}


def _is_others(hold: Path) -> bool:
    """Whether another run carries the fault, or may have made one that nothing carries."""
    with contextlib.suppress(OSError, ValueError):
        carrier = Path(f"/proc/{int((hold / 'watchdog.pid').read_text())}")
        if carrier.exists():
            return _run_of(carrier) != os.getpid()
    return any(run not in (None, os.getpid()) for run in map(_run_of, Path("/proc").glob("[0-9]*")))


def _run_of(process: Path) -> int | None:
    """Return the mark of the run that a process belongs to; None where it has none or has ended."""
    try:
        found = re.search(r"^Max file locks +([0-9]+) ", (process / "limits").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def left_since(before: set[Path], own: Iterable[Path] = ()) -> set[Path]:
    """Return the faults that were not there before, and that do not end within a few seconds either."""
    roots = list(own)
    deadline = time.monotonic() + PATIENCE
    while (left := faults_of_this_machine(roots) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def take_back(holds: Iterable[Path]) -> None:
    """End faults by the scripts that lie with them."""
    for hold in holds:
        subprocess.run(["sh", str(hold / "undo.sh")], stdin=subprocess.DEVNULL, capture_output=True, check=False)
