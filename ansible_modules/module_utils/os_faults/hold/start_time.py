"""The start time of a fault (`at`) on this host, and the difference of the clocks.

A start time is given by the clock of the controller. If the clock of the host agrees with it, the host uses its own
clock, as a connection can't measure better than NTP. If it does not, the start time is moved by the difference. The
host then waits by the time since boot, which nobody can set. Nothing here touches the host.
"""

from __future__ import annotations

import math
from typing import Any, Mapping, NamedTuple


from ansible.module_utils.os_faults import errors

TOLERANCE = 0.1
"""Difference of the clocks, in seconds, above which a start time is moved."""

LATE = 1.0
"""Seconds after its start time from which a fault does not begin any more: the host slept, or was blocked."""


class ClockReading(NamedTuple):
    """The time since boot of this host, as the controller has read it.

    Attributes:
        uptime: seconds since boot.
        seen: the controller's clock at that time, seconds since the epoch.
        within: uncertainty in seconds.
    """

    uptime: float
    seen: float
    within: float


class StartTime(NamedTuple):
    """A start time on this host.

    Attributes:
        at: the start time by the controller's clock, seconds since the epoch.
        since: the same by the clock of this host.
        uptime: the same in seconds since boot.
        clock_ahead: seconds by which the clock of this host is ahead of the controller's; None without a reading.
        clock_within: uncertainty of `clock_ahead` in seconds.
        moved: whether the start time was moved by `clock_ahead`.
    """

    at: float
    since: float
    uptime: float
    clock_ahead: float | None = None
    clock_within: float | None = None
    moved: bool = False


def reading_of(values: Mapping[str, Any] | None) -> ClockReading | None:
    """Return the controller's reading of the clock; None when there is none.

    Raises:
        Refused: the values are not the three numbers of a reading.
    """
    if not values:
        return None
    try:
        reading = ClockReading(**{name: float(value) for name, value in values.items()})
    except (TypeError, ValueError, OverflowError):
        reading = ClockReading(math.nan, math.nan, math.nan)
    if not all(map(math.isfinite, reading)):
        raise errors.Refused(f"clock_reading must have the numbers {', '.join(ClockReading._fields)}")
    return reading


def on_this_host(
    at: float, reading: ClockReading | None, now: float, uptime: float, tolerance: float = TOLERANCE
) -> StartTime:
    """Return a start time on this host.

    Args:
        at: the start time, by the controller's clock.
        reading: the controller's reading of the clock; without one the clock of this host counts.
        now: the clock of this host.
        uptime: its seconds since boot at that time.
        tolerance: difference of the clocks, in seconds, above which the start time is moved.

    >>> on_this_host(1010.0, None, 1000.0, 50.0).uptime
    60.0
    >>> on_this_host(1010.0, ClockReading(49.0, 999.0, 0.02), 1000.04, 50.0).uptime
    59.96
    >>> late = on_this_host(1010.0, ClockReading(49.0, 999.0, 0.02), 1003.0, 50.0)
    >>> late.clock_ahead, late.moved, late.uptime, late.since
    (3.0, True, 60.0, 1013.0)
    """
    if reading is None:
        return StartTime(at, at, round(uptime + at - now, 2))
    ahead = now - (reading.seen + uptime - reading.uptime)
    moved = abs(ahead) - reading.within > tolerance
    since = at + ahead if moved else at
    return StartTime(at, since, round(uptime + since - now, 2), round(ahead, 3), round(reading.within, 3), moved)


def of_record(record: Mapping[str, Any]) -> StartTime | None:
    """Return the start time in the record of a hold (its key ``moment``); None when the fault began at once."""
    values = record.get("moment")
    return StartTime(**values) if isinstance(values, dict) else None


def notes(start: StartTime) -> list[str]:
    """Return sentences about the clock of this host, for the answer.

    >>> notes(StartTime(0.0, 0.0, 0.0, 3.0, 0.02, True))
    ["the clock of this host is 3.00 s ahead of the controller's, so its start time was moved by that"]
    """
    found = []
    if start.moved and start.clock_ahead is not None:
        way = "ahead of" if start.clock_ahead > 0 else "behind"
        found.append(
            f"the clock of this host is {abs(start.clock_ahead):.2f} s {way} the controller's, "
            "so its start time was moved by that"
        )
    if start.clock_within is not None and start.clock_within > TOLERANCE:
        found.append(f"the clock of this host could be compared within {start.clock_within:.2f} s only")
    return found
