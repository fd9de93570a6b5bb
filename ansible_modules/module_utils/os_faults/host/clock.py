"""The clock of the host without the effect of `skew_clock`, which must not move records and ends of faults."""

from __future__ import annotations

import time

EPOCH = "/run/os-faults/skew_clock-clock/epoch"
"""File of ``clock.sh`` with the original difference of clock and time since boot, in hundredths of a second."""

LONGEST = 31536000
"""Longest time of anything in os_faults, in seconds: a year."""

LAST = 1e11
"""Latest time that every clock can represent, seconds since the epoch."""


def uptime() -> float:
    """Return the seconds since boot, which nobody can set."""
    with open("/proc/uptime", encoding="ascii") as stream:
        return float(stream.read().split()[0])


def boot() -> float | None:
    """Return the time of boot by the clock before `skew_clock` has set it; None if it has not."""
    try:
        with open(EPOCH, encoding="ascii") as stream:
            return int(stream.read()) / 100
    except (OSError, ValueError):
        return None


def now() -> float:
    """Return the seconds since the epoch, without the effect of `skew_clock`."""
    began = boot()
    return time.time() if began is None else began + uptime()
