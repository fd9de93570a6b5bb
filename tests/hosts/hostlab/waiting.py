"""Waiting for what must come, never longer than it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_for(condition: Callable[[], Any], what: str, within: float, pause: float = 0.1) -> float:
    """Wait until a condition holds and return the seconds that it took.

    Raises:
        AssertionError: it did not within the time.
    """
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"not within {within:g} s: {what}"
        time.sleep(pause)
    return time.monotonic() - began
