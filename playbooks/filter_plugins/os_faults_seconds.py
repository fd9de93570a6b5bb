# SPDX-License-Identifier: Apache-2.0
"""The filter `os_faults_seconds`: a duration with units → seconds. The library has checked and converted it before."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

UNIT = r"(?:s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)"
PART = re.compile(rf"([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?) *({UNIT})", re.IGNORECASE)
TEXT = re.compile(rf"(?:{PART.pattern} *)+", re.IGNORECASE)
NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 365 * 86400


def seconds(value: Any) -> int | str:
    """Return a duration in seconds; 0 for what is no duration of whole seconds up to a year; ``never`` as it is.

    Args:
        value: a number, or a text such as ``30s``, ``2min`` or ``1h30m``.
    """
    text = "" if isinstance(value, bool) else str(value).strip()
    if text == "never":
        return text
    if NUMBER.fullmatch(text):
        found = float(text)
    elif TEXT.fullmatch(text):
        found = sum(float(number) * SECONDS[unit[0].lower()] for number, unit in PART.findall(text))
    else:
        return 0
    return int(found) if found == int(found) and found <= LONGEST else 0


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[[Any], int | str]]:
        """Return name → filter."""
        return {"os_faults_seconds": seconds}
