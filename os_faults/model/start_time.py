"""The start time of a fault, the same on every node: its forms, and their values in seconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TypeAlias

from os_faults.model.duration import seconds_in

#: A time (an aware `datetime`, seconds since the epoch, ``12:30:00``) or a delay (`timedelta`, seconds, ``3s``).
At: TypeAlias = datetime | timedelta | float | str

#: A number up to this is a delay in seconds (at most a day); a larger one is a time in seconds since the epoch.
LONGEST = 86400.0

_IN = re.compile(r"^in +", re.IGNORECASE)
_FORMS = "seconds from now (3, 3s, 2min), a time of day (12:30:00), ISO 8601 (2026-11-27T12:30:00+01:00)"


def seconds_of(at: object) -> float:
    """Return a time as seconds since the epoch, or a delay as seconds (at most `LONGEST`).

    Args:
        at: see `At`. A time of day is the next such time; a text without a zone is local time.

    Raises:
        ValueError: it is neither a time nor a delay; the message completes "it must be …".

    Example:
        >>> seconds_of("3s"), seconds_of(timedelta(minutes=2)), seconds_of(1795000000)
        (3.0, 120.0, 1795000000.0)
    """
    if isinstance(at, timedelta):
        return _delay(at.total_seconds())
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ValueError("a datetime with a time zone, as in datetime.now().astimezone()")
        return at.timestamp()
    text = str(at).strip()
    try:
        return _positive(float(text))
    except ValueError:
        delay = seconds_in(_IN.sub("", text))
        return _time_of(text) if delay is None else _delay(delay)


def epoch_of(seconds: float, now: float) -> float:
    """Return a start time in seconds since the epoch; a delay counts from ``now``.

    Args:
        seconds: as `seconds_of` returns it.
        now: seconds since the epoch.

    Example:
        >>> epoch_of(3.0, 1795000000.0)
        1795000003.0
    """
    return now + seconds if is_delay(seconds) else seconds


def is_delay(seconds: float) -> bool:
    """Return whether a number is a delay."""
    return seconds <= LONGEST


def _positive(seconds: float) -> float:
    if not 0 < seconds < 1e11:  # no time, or milliseconds
        raise ValueError(f"a start time: {_FORMS}")
    return seconds


def _delay(seconds: float) -> float:
    if seconds > LONGEST:
        raise ValueError("at most a day ahead")
    return _positive(seconds)


def _time_of(text: str) -> float:
    local = datetime.now().astimezone()
    try:
        if "-" in text:
            return datetime.fromisoformat(text).astimezone(None).timestamp()
        start = datetime.combine(
            local.date(), datetime.strptime(text, "%H:%M:%S" if text.count(":") > 1 else "%H:%M").time()
        )
    except ValueError:
        raise ValueError(f"a start time: {_FORMS}") from None
    start = start.astimezone()
    return (start if start > local else start + timedelta(days=1)).timestamp()
