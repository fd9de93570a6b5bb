"""Time that passes faster than the real one, so a test of pauses between real questions is short."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.os_faults.power import again, steps

SPEED = 50


def asker(machine: Any, timeout: float) -> again.Asker:
    """Return an asker whose seconds take a fiftieth of one."""
    return again.Asker(
        timeout,
        machine.patience * SPEED,  # a busy controller is no silent machine
        machine.distance,
        clock=lambda: time.monotonic() * SPEED,
        sleep=lambda seconds: time.sleep(seconds / SPEED),
    )


def act(machine: Any, action: str, timeout: float = 1000) -> dict[str, Any]:
    """Do what a power module does, and close the machine as it does."""
    try:
        return steps.carry_out(machine, action, int(timeout), asker=asker(machine, timeout))
    finally:
        machine.close()


class Clock:
    """Time that passes only when somebody sleeps.

    Attributes:
        now: seconds since the beginning.
        slept: the pauses, in seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def asker(self, timeout: float, patience: float = 20, distance: float = 1) -> again.Asker:
        return again.Asker(timeout, patience, distance, clock=lambda: self.now, sleep=self.sleep)
