"""Start times that lie far enough ahead, also on a busy machine."""

from __future__ import annotations

import os


def soon(seconds: float) -> float:
    """Return a delay that gives a fault the time to be armed before its start.

    Args:
        seconds: enough for a machine that has nothing else to do.

    Returns:
        Seconds, some more for each process that waits for a processor.
    """
    return round(seconds + 2 * os.getloadavg()[0] / (os.cpu_count() or 1))
