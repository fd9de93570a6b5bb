# SPDX-License-Identifier: Apache-2.0
"""`osf_hold` on the controller: reads the scripts of a fault and the host's clock, and checks that a cut happened.

It is one task, as each further task costs a process per host.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as Normal

UPTIME = re.compile(r"^([0-9]{1,12}\.[0-9]{2}) [0-9]{1,15}\.[0-9]{2}\s*$", re.MULTILINE)
"""A line of ``/proc/uptime``. A login shell may print other lines before it."""

READINGS = 4
"""Readings of the host's clock. The quickest counts: its uncertainty is the smallest."""

TICK = 0.01
"""Seconds in which ``/proc/uptime`` moves on."""

CUT_AFTER = 2.0
"""Seconds until a fault that cuts the host off has begun. The fault waits until the answer of the task has arrived."""

LAST = 1e11
"""The last start time, seconds since the epoch: every clock can still show it."""

ANEW = {
    "ssh_args": "-o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=5 -o ServerAliveCountMax=2",
    "timeout": 3,
    "reconnection_retries": 0,
}
"""Options of a new connection. An open one does not show whether the host can still be reached.

The cut may come while ssh logs in. The timeout does not bound that, but the questions after a host's silence do.
"""


class ActionModule(Normal):
    """Runs the module of the same name, and adds what only the controller knows."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's answer without facts; for a host that was cut off, its answer from before the cut.

        Ansible turns facts into variables, which a later task of the play would use: see tasks/facts.yml.
        """
        return {key: value for key, value in self._answer(tmp, task_vars).items() if key != "ansible_facts"}

    def _answer(self, tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        args = dict(self._task.args)
        state, at = args.get("state", "present"), args.get("at")
        scripts = args.pop("scripts", None) or []
        if state == "present":
            args["files"] = {**{Path(name).name: self._read(name) for name in scripts}, **(args.get("files") or {})}
            if at:
                readings = filter(None, (self._read_clock() for _ in range(READINGS)))
                args["clock_reading"] = min(readings, key=_within, default=None)
        self._task.args = args
        if state == "injected" and self._task.args.get("cuts_path"):
            start = _seconds(at or 0)
            if start is None:
                return {"failed": True, "msg": f"at must be a number from 0 to {LAST:.0f}, got: {str(at)[:40]}"}
            answer = {"changed": True, "cuts_path": True, "state": "injected", **self._named()}
            return self._confirm(answer, start, task_vars)
        answer = dict(super().run(tmp, task_vars))
        if state == "present" and answer.get("cuts_path") and not at and not self._task.check_mode:
            return self._confirm(answer, 0, task_vars)
        return answer

    def _named(self) -> dict[str, Any]:
        """Return the arguments that identify the hold."""
        return {name: self._task.args[name] for name in ("id", "fault", "subject") if name in self._task.args}

    def _read(self, name: str) -> str:
        """Return the content of a file in ``files``, in the places where Ansible looks."""
        return Path(self._find_needle("files", name)).read_text(encoding="utf-8").rstrip()

    def _read_clock(self) -> dict[str, float] | None:
        """Return the host's seconds since boot with our own clock; None when the host does not answer."""
        begin, started = time.time(), time.monotonic()
        answer = self._low_level_execute_command("cat /proc/uptime", sudoable=False)
        trip = time.monotonic() - started
        printed = UPTIME.findall(str(answer.get("stdout", "")))
        if answer.get("rc") != 0 or not printed:
            return None
        return {"uptime": float(printed[-1]) + TICK / 2, "seen": begin + trip / 2, "within": (trip + TICK) / 2}

    def _confirm(self, answer: dict[str, Any], at: float, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Check that a host is cut off, and return ``answer``.

        A host that can still be reached is asked whether the fault is in place: there may be another path to the host,
        and the fault may be over. A cut that did not happen is a failure.

        Args:
            answer: what the host has said so far.
            at: when the fault begins, seconds since the epoch.
            task_vars: the variables of the host.
        """
        time.sleep(CUT_AFTER + max(0.0, at - time.time()))
        with contextlib.suppress(AnsibleConnectionFailure):
            with self._connected_anew():
                self._low_level_execute_command("true", sudoable=False)
            args = {**self._named(), "state": "injected"}
            return {**self._execute_module(module_args=args, task_vars=task_vars), "changed": True}
        return answer

    @contextlib.contextmanager
    def _connected_anew(self) -> Iterator[None]:
        """Reach the host over new connections in the block."""
        before = {}
        for name, value in ANEW.items():
            with contextlib.suppress(KeyError):  # a kind of connection that has no such option
                before[name] = self._connection.get_option(name)
                self._connection.set_option(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                self._connection.set_option(name, value)


def _seconds(at: Any) -> float | None:
    """Return a start time, seconds since the epoch; None for what is none."""
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return float(at) if 0 <= float(at) <= LAST else None
    return None


def _within(reading: dict[str, float]) -> float:
    return reading["within"]
