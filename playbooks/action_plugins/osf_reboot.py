# SPDX-License-Identifier: Apache-2.0
"""`osf_reboot` on the controller: returns the answer of the host without facts.

Ansible turns facts into variables. A hostile host could send facts that lead the next task of the play to another host.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action.normal import ActionModule as Normal


class ActionModule(Normal):
    """Runs the module of the same name."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's answer without facts."""
        return {key: value for key, value in super().run(tmp, task_vars).items() if key != "ansible_facts"}
