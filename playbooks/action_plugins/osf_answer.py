# SPDX-License-Identifier: Apache-2.0
"""`osf_answer` on the controller: asks the host repeatedly until it answers or the time is over."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

CONNECT_TIMEOUT, PAUSE = 5, 1
"""Seconds for one try to connect, and between two tries."""

LONGEST = 31536000
"""The longest duration in seconds: a year."""

KEEP_ALIVE = "-o ServerAliveInterval=5 -o ServerAliveCountMax=2"
"""Options that end a connection to a host that goes down in the middle of an answer; otherwise ssh waits for ever."""


class ActionModule(ActionBase):
    """Asks by the module of the same name, each time over a fresh connection."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer that counts, or the failure with the reason of the last try."""
        super().run(tmp, task_vars)
        _, wanted = self.validate_argument_spec(
            {
                "boot_id_before": {"type": "str"},
                "timeout": {"type": "int", "default": 300},
                "must": {"type": "bool", "default": True},
                "power": {"type": "dict", "default": {}},
            }
        )
        if not 0 <= wanted["timeout"] <= LONGEST:
            return {"failed": True, "msg": f"timeout must be a number from 0 to {LONGEST}, got: {wanted['timeout']}"}
        self._be_impatient()
        begin = time.monotonic() - wanted["power"].get("waited", 0)
        while True:
            boot_id, trouble = self._ask(task_vars or {})
            waited = time.monotonic() - begin
            if boot_id and boot_id != wanted["boot_id_before"]:
                return _told(wanted, boot_id, waited)
            if waited >= wanted["timeout"]:
                return _failed(wanted, boot_id, trouble) if wanted["must"] else _told(wanted, None, waited)
            time.sleep(PAUSE)

    def _be_impatient(self) -> None:
        if self._connection.transport == "ssh":
            others = self._connection.get_option("ssh_extra_args") or ""
            self._connection.set_option("ssh_extra_args", f"{others} {KEEP_ALIVE}")
            self._connection.set_option("timeout", CONNECT_TIMEOUT)

    def _ask(self, task_vars: dict[str, Any]) -> tuple[str | None, str]:
        """Return the boot id of the host, or None with the reason."""
        try:
            self._connection.reset()  # a shared connection may lead to the host as it was before
            answer = self._execute_module(module_args={}, task_vars=task_vars)
        except AnsibleError as error:
            self._connection._shell.tmpdir = None  # the directory of this try; it may be gone with the host
            return None, str(error)
        return answer.get("boot_id_after"), str(answer.get("msg", ""))


def _told(wanted: dict[str, Any], boot_id: str | None, waited: float) -> dict[str, Any]:
    power = {name: value for name, value in wanted["power"].items() if name not in ("changed", "failed", "diff")}
    return {
        **power,
        "changed": False,
        "boot_id_before": wanted["boot_id_before"],
        "boot_id_after": boot_id,
        "waited": round(waited, 2),
    }


def _failed(wanted: dict[str, Any], boot_id: str | None, trouble: str) -> dict[str, Any]:
    late = f"within {wanted['timeout']} s"
    if boot_id:
        why = f"the host answers, but it was not restarted {late}: its boot id is still {boot_id}"
    else:
        why = f"the host has power, but did not answer {late}: {trouble.strip()}"
    return {"failed": True, "msg": why}
