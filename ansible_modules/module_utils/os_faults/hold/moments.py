"""The moment at which a fault begins: what it is on this host, and how far the clocks are apart.

A moment is told by the clock of the controller. A host whose clock agrees with that goes by its own clock, as it may be
kept right better than anybody can see over a connection. One whose clock does not gets its moment moved by the
difference. Either way it then waits by the time since boot, which nobody can set. Nothing here touches the host.
"""

from __future__ import annotations

import math
from typing import Any, Mapping, NamedTuple


from ansible.module_utils.os_faults import errors

TOLERANCE = 0.1
"""Seconds by which the clocks may be apart before a moment is moved."""

LATE = 1.0
"""Seconds after its moment at which a fault does not begin any more: the host slept, or could not do anything."""


class Sight(NamedTuple):
    """The time since boot of this host, as the controller has seen it.

    Attributes:
        uptime: seconds since boot.
        seen: the controller's clock then, seconds since the epoch.
        within: seconds by which the two may be apart.
    """

    uptime: float
    seen: float
    within: float


class Moment(NamedTuple):
    """A moment on this host.

    Attributes:
        at: the moment by the controller's clock, seconds since the epoch.
        since: the same by the clock of this host.
        uptime: the same in seconds since boot.
        clock_ahead: seconds by which the clock of this host is ahead of the controller's; None when nobody has looked.
        clock_within: seconds by which that may be wrong.
        moved: whether the moment was moved by it.
    """

    at: float
    since: float
    uptime: float
    clock_ahead: float | None = None
    clock_within: float | None = None
    moved: bool = False


def sight_of(told: Mapping[str, Any] | None) -> Sight | None:
    """Return what the controller says that it has seen; None when it has not looked.

    Raises:
        Refused: it does not say each of the three as a number.
    """
    if not told:
        return None
    try:
        sight = Sight(**{name: float(value) for name, value in told.items()})
    except (TypeError, ValueError, OverflowError):
        sight = Sight(math.nan, math.nan, math.nan)
    if not all(map(math.isfinite, sight)):
        raise errors.Refused(f"sight must have the numbers {', '.join(Sight._fields)}")
    return sight


def moment_of(at: float, sight: Sight | None, now: float, uptime: float, tolerance: float = TOLERANCE) -> Moment:
    """Return what a moment is on this host.

    Args:
        at: the moment, by the controller's clock.
        sight: of the controller; None when it has not looked, and this host's clock is believed.
        now: the clock of this host.
        uptime: its seconds since boot at that time.
        tolerance: seconds by which the clocks may be apart before the moment is moved.

    >>> moment_of(1010.0, None, 1000.0, 50.0).uptime
    60.0
    >>> moment_of(1010.0, Sight(49.0, 999.0, 0.02), 1000.04, 50.0).uptime
    59.96
    >>> late = moment_of(1010.0, Sight(49.0, 999.0, 0.02), 1003.0, 50.0)
    >>> late.clock_ahead, late.moved, late.uptime, late.since
    (3.0, True, 60.0, 1013.0)
    """
    if sight is None:
        return Moment(at, at, round(uptime + at - now, 2))
    ahead = now - (sight.seen + uptime - sight.uptime)
    moved = abs(ahead) - sight.within > tolerance
    since = at + ahead if moved else at
    return Moment(at, since, round(uptime + since - now, 2), round(ahead, 3), round(sight.within, 3), moved)


def of_record(record: Mapping[str, Any]) -> Moment | None:
    """Return the moment of a hold as its record keeps it; None when it began at once."""
    told = record.get("moment")
    return Moment(**told) if isinstance(told, dict) else None


def told(moment: Moment) -> list[str]:
    """Return what is worth telling about the clock of this host, in sentences.

    >>> told(Moment(0.0, 0.0, 0.0, 3.0, 0.02, True))
    ["the clock of this host is 3.00 s ahead of the controller's, so its moment was moved by that"]
    """
    notes = []
    if moment.moved and moment.clock_ahead is not None:
        way = "ahead of" if moment.clock_ahead > 0 else "behind"
        notes.append(
            f"the clock of this host is {abs(moment.clock_ahead):.2f} s {way} the controller's, "
            "so its moment was moved by that"
        )
    if moment.clock_within is not None and moment.clock_within > TOLERANCE:
        notes.append(f"the clock of this host could be compared within {moment.clock_within:.2f} s only")
    return notes
