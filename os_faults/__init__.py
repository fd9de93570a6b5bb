"""Break an OpenStack cloud on purpose, and give it back.

Example:
    >>> import os_faults
    >>> cloud = os_faults.connect(config_filename="os-faults.yml")
    >>> cloud.get_service("keystone").restart()
    >>> cloud.get_nodes().pick().reboot()
    >>> cloud.heal()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os_faults.cloud import Cloud, connect
    from os_faults.container import Container
    from os_faults.discovered import discover
    from os_faults.errors import (
        AnsibleExecutionException,
        AnsibleExecutionUnreachable,
        ArgumentError,
        CloudManagementError,
        ConfigError,
        ContainerError,
        GuardRailError,
        NodeCollectionError,
        NothingTargeted,
        OSFDriverNotFound,
        OSFDriverWithSuchNameExists,
        OSFError,
        OSFException,
        PartlyDone,
        PartlyUnreachable,
        PowerManagementError,
        RunTimeout,
        SentenceError,
        ServiceError,
        UndoError,
    )
    from os_faults.human import human_api
    from os_faults.model import Auth, Cost, Fault, HostResult, Interface, Jump, Node, Result, Status
    from os_faults.nodes import NodeCollection
    from os_faults.resources import register_ansible_modules
    from os_faults.service import Service
    from os_faults.version import get_version

# Loaded when first used: `import os_faults` must not cost what YAML and Ansible cost. From light to heavy.
_HOMES = ("version", "errors", "resources", "model", "nodes", "service", "container", "cloud", "human", "discovered")

__all__ = [
    "AnsibleExecutionException",
    "AnsibleExecutionUnreachable",
    "ArgumentError",
    "Auth",
    "Cloud",
    "CloudManagementError",
    "ConfigError",
    "Container",
    "ContainerError",
    "Cost",
    "Fault",
    "GuardRailError",
    "HostResult",
    "Interface",
    "Jump",
    "Node",
    "NodeCollection",
    "NodeCollectionError",
    "NothingTargeted",
    "OSFDriverNotFound",
    "OSFDriverWithSuchNameExists",
    "OSFError",
    "OSFException",
    "PartlyDone",
    "PartlyUnreachable",
    "PowerManagementError",
    "Result",
    "RunTimeout",
    "SentenceError",
    "Service",
    "ServiceError",
    "Status",
    "UndoError",
    "connect",
    "discover",
    "get_version",
    "human_api",
    "register_ansible_modules",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'os_faults' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
