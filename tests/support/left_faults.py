"""Faults of this machine that a test leaves: the next test would list them, and be taken for the one that is wrong."""

from __future__ import annotations

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


def faults_of_this_machine(more: Iterable[Path] = ()) -> set[Path]:
    """Return the directories of the faults of every user, but those that others carry: other runs of the tests.

    Args:
        more: directories in which users of the tests keep faults.
    """
    roots = [*(root for pattern in _ROOTS for root in Path("/").glob(pattern[1:])), *more]
    found = {path.parent.resolve() for root in roots for path in root.glob("*/record.json")}
    return {hold for hold in found if not _is_others(hold)}


def _is_others(hold: Path) -> bool:
    """Whether a process that this run has not started carries the fault; one that nothing carries is nobody else's."""
    try:
        limits = Path(f"/proc/{int((hold / 'watchdog.pid').read_text())}/limits").read_text()
    except (OSError, ValueError):
        return False
    return not re.search(rf"^Max file locks +{os.getpid()} ", limits, re.MULTILINE)


def left_since(before: set[Path], more: Iterable[Path] = ()) -> set[Path]:
    """Return the faults that were not there before, and that do not end within a few seconds either."""
    roots = list(more)
    deadline = time.monotonic() + PATIENCE
    while (left := faults_of_this_machine(roots) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def take_back(holds: Iterable[Path]) -> None:
    """End faults by the scripts that lie with them."""
    for hold in holds:
        subprocess.run(["sh", str(hold / "undo.sh")], stdin=subprocess.DEVNULL, capture_output=True, check=False)
