# SPDX-License-Identifier: Apache-2.0
"""`osf_hold` on the controller: looks at the clock of the host before a fault is armed for a moment."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action.normal import ActionModule as Normal

LOOKS = 4
"""How often the host is asked. The quickest answer counts, as it says most exactly when it was given."""

TICK = 0.01
"""Seconds in which ``/proc/uptime`` moves on."""


class ActionModule(Normal):  # type: ignore[misc]
    """Runs the module of the same name; for a fault with a moment, it tells it what the host's clock is."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's answer."""
        if self._task.args.get("at") and self._task.args.get("state", "present") == "present":
            sight = min(filter(None, (self._look() for _ in range(LOOKS))), key=_within, default=None)
            self._task.args = {**self._task.args, "sight": sight}
        return dict(super().run(tmp, task_vars))

    def _look(self) -> dict[str, float] | None:
        """Return the host's seconds since boot, and when that was by our clock; None when it does not tell."""
        begin, started = time.time(), time.monotonic()
        answer = self._low_level_execute_command("cat /proc/uptime", sudoable=False)
        trip = time.monotonic() - started
        words = str(answer.get("stdout", "")).split()
        if answer.get("rc") != 0 or not words:
            return None
        return {"uptime": float(words[0]) + TICK / 2, "seen": begin + trip / 2, "within": (trip + TICK) / 2}


def _within(sight: dict[str, float]) -> float:
    return sight["within"]
