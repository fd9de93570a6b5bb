"""What happens to the faults of the crash matrix: a function for each column."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from hostlab.stage import Held, Stage

Way = Callable[[Stage], Mapping[str, str]]
"""Injects all rows, lets something happen, and returns row → how it ended, in few words.

Raises:
    AssertionError: a fault did not end as it should.
"""

ALLOWED = 2.0
"""Seconds that a host may take beyond the time of a fault, when this machine has a processor for whoever wants one."""


def allowed() -> float:
    return ALLOWED * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def by_its_time(stage: Stage) -> Mapping[str, str]:
    return at_its_time(stage, stage.inject(stage.seconds()))


def at_its_time(stage: Stage, held: Mapping[str, Held]) -> Mapping[str, str]:
    """Wait until the time of each fault has passed, and return how late the host ended it, by its own journal."""
    time.sleep(max(0.0, max(fault.until for fault in held.values()) + ALLOWED - time.time()))
    stage.await_as_before()
    late, most = stage.ended(held), allowed()
    wrong = {verb: f"{seconds:+.1f} s" for verb, seconds in late.items() if not -1 < seconds <= most}
    assert not wrong, f"not ended at its time: {wrong}"
    return {verb: f"{seconds:+.1f} s" for verb, seconds in late.items()}


WAYS: Mapping[str, Way] = {"time": by_its_time}
"""Column → what happens in it."""
