"""Faults of this machine that a test leaves: the next test would list them, and be taken for the one that is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

#: Name of the variable by which everything that a run of pytest starts knows that run.
RUN = "OSF_TEST_RUN"
#: Seconds for which a fault may still be on its way back.
PATIENCE = 5.0
_ROOTS = ("/run/os-faults", "/var/lib/os-faults", "/tmp/os-faults-[0-9]*", f"{Path.home()}/.os-faults-*")


def faults_of_this_machine(more: Iterable[Path] = ()) -> set[Path]:
    """Return the directories of the faults of every user, but those that another run of these tests carries.

    Args:
        more: directories in which users of the tests keep faults.
    """
    roots = [*(root for pattern in _ROOTS for root in Path("/").glob(pattern[1:])), *more]
    return {path.parent for root in roots for path in root.glob("*/record.json") if not _of_another_run(path.parent)}


def _of_another_run(hold: Path) -> bool:
    """Whether the process that carries a fault was started by another run; root may see that of everybody."""
    try:
        pid = int((hold / "watchdog.pid").read_text())
        environment = Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except (OSError, ValueError):
        return False
    found = re.search(rf"(?:^|\0){RUN}=([^\0]*)", environment)
    return found is not None and found[1] != os.environ.get(RUN)


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
