"""Processes of tests, by their pid."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def lives(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def end(pid: int) -> None:
    """Kill a process, if it has not ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
