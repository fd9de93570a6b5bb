"""Machines that can be powered off and on."""

from __future__ import annotations

POWER_VERBS = frozenset({"poweroff", "poweron", "reset", "shutdown", "power_state"})
"""What a driver with a task file in ``playbooks/tasks/power`` can do."""

SNAPSHOT_VERBS = frozenset({"snapshot", "revert"})
"""What a driver with a task file in ``playbooks/tasks/snapshot`` can do."""
