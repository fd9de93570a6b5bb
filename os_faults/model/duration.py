"""A duration: how long a fault lasts, or how long a verb may take; its forms, and its value in seconds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, TypeAlias

#: Seconds, a text with units (``30s``, ``2min``, ``1h30m``), or a `timedelta`.
Duration: TypeAlias = int | float | str | timedelta
#: A duration, or ``never`` for a fault without an end; None means the connection's ``heal_after``.
Time: TypeAlias = Duration | Literal["never"] | None

#: The longest duration: a year.
LONGEST = 365 * 86400

NEVER = "never"

_UNIT = r"(?:s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)"
_PART = re.compile(rf"([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?) *({_UNIT})", re.IGNORECASE)
_TEXT = re.compile(rf"(?:{_PART.pattern} *)+", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORMS = "a duration such as 30, 30s, 2min or 1h30m"


def seconds_in(text: str) -> float | None:
    """Return the seconds of a text with units, or of a plain number; None when it is no duration.

    Example:
        >>> seconds_in("2min"), seconds_in("1h30m"), seconds_in("1.5"), seconds_in("soon")
        (120.0, 5400.0, 1.5, None)
    """
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _TEXT.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit[0].lower()] for number, unit in _PART.findall(text))


def whole_seconds(value: object) -> int:
    """Return a duration in seconds.

    Args:
        value: see `Duration`.

    Raises:
        ValueError: it is no duration, it is not a whole number of seconds, or it is not from a second to a year. The
            message completes "it must be …".

    Example:
        >>> whole_seconds("2min"), whole_seconds(timedelta(hours=1)), whole_seconds("30")
        (120, 3600, 30)
    """
    text = str(value.total_seconds() if isinstance(value, timedelta) else value).strip()
    seconds = None if isinstance(value, bool) else seconds_in(text)
    if not seconds or seconds != int(seconds) or seconds > LONGEST:
        raise ValueError(f"{_FORMS}, in whole seconds above 0 and up to a year")
    return int(seconds)


def seconds_or_never(value: object) -> str:
    """Return a duration in seconds, as a text, or the word ``never``.

    Raises:
        ValueError: it is neither; see `whole_seconds`.

    Example:
        >>> seconds_or_never("5m"), seconds_or_never("never")
        ('300', 'never')
    """
    if value == NEVER:
        return NEVER
    try:
        return str(whole_seconds(value))
    except ValueError as error:
        raise ValueError(f"{error}, or the word {NEVER}") from None
