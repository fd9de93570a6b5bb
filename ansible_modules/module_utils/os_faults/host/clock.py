"""The time of day as it would be without us: a fault that has set the clock of the host moves no record and no end."""

from __future__ import annotations

import time

EPOCH = "/run/os-faults/skew_clock-clock/epoch"
"""Where ``clock.sh`` writes what the clock was ahead of the time since boot, in hundredths of a second."""

LONGEST = 31536000
"""The most seconds that anything of ours takes or lasts: a year."""

LAST = 1e11
"""Seconds since the epoch that every clock can still tell."""


def uptime() -> float:
    """Return the seconds since boot, by the clock that nobody can set."""
    with open("/proc/uptime", encoding="ascii") as stream:
        return float(stream.read().split()[0])


def boot() -> float | None:
    """Return when the host was booted as told by the clock before we have set it, None when we have not."""
    try:
        with open(EPOCH, encoding="ascii") as stream:
            return int(stream.read()) / 100
    except (OSError, ValueError):
        return None


def now() -> float:
    """Return the seconds since the epoch, by the clock as it would be without a fault of ours."""
    began = boot()
    return time.time() if began is None else began + uptime()
