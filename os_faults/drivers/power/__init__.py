"""Machines that can be powered off and on: the common part of their drivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from os_faults.model import Node

POWER_VERBS = frozenset({"poweroff", "poweron", "reset", "shutdown", "power_state"})
"""The verbs of a driver with a task file in ``playbooks/tasks/power``."""

SNAPSHOT_VERBS = frozenset({"snapshot", "revert"})
"""The verbs of a driver with a task file in ``playbooks/tasks/snapshot``."""

CONNECT_TIMEOUT: Mapping[str, Any] = {
    "connect_timeout": {"type": "integer", "minimum": 1, "description": "a whole number of seconds, 1 or more"}
}
"""Schema of the key ``connect_timeout``, for the ``properties`` of a driver."""


def connect_timeout(args: Mapping[str, Any]) -> dict[str, int]:
    """Return the variable of ``connect_timeout``; nothing when the default of the module applies.

    Example:
        >>> connect_timeout({"connect_timeout": 5})
        {'connect_timeout': 5}
    """
    return {key: args[key] for key in CONNECT_TIMEOUT if key in args}


def macs_of(node: Node) -> list[str]:
    """Return all MAC addresses of a node, each once.

    Example:
        >>> macs_of(Node("node-1", "10.0.0.2", "52:54:00:AA:00:01"))
        ['52:54:00:aa:00:01']
    """
    macs = [node.mac, *(interface.mac for interface in node.interfaces)]
    return list(dict.fromkeys(mac for mac in macs if mac))
