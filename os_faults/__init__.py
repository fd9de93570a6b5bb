"""Break an OpenStack cloud on purpose, and undo it.

Example:
    >>> import os_faults
    >>> cloud = os_faults.connect(config_filename="os-faults.yml")
    >>> cloud.get_service("keystone").restart()
    >>> cloud.get_nodes().pick().reboot()
    >>> cloud.heal()

Public are the names of this module, of `os_faults.testing` and of `os_faults.registry`, and the import paths of 0.3 in
`os_faults.api` and `os_faults.ansible.executor`. Every other module is private: it may change in any version.

Where things are:

================== ====================================================================================
`cloud`            `connect()` and `Cloud`, the objects that callers use
`nodes`            sets of nodes and their verbs; their set algebra is `node_set`
`service`          services and their verbs; `container` likewise; `component` has their common part
`human`            `human_api()`: performs a sentence; `sentences` parses it
`export`           `discover()`: a configuration with the discovered nodes and services
`execution`        performs actions: guard rails, batches, the run, the rollback
`actions`          actions: verbs with checked arguments; nothing is touched
`ansible`          how Ansible runs: inventory, runner, events, artifacts, workers
`discovery`        the nodes of the cloud
`faults`           injected faults: listing, journal, undo
`drivers`          clouds, services, power; found by `registry`
`config`           the configuration: its forms, its schema, its secrets
`model`            values: nodes, actions, results, faults
`errors`           every error that os_faults raises
`system`           files, processes and users of the controller
`resources`        paths of the bundled playbooks, modules and catalogues
`cli` `demo`       the command line; a cloud for a first try
`testing`          a fake runner for your own tests
`api`              old import paths
================== ====================================================================================
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os_faults.cloud import Cloud, connect
    from os_faults.container import Container
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
    from os_faults.export import discover
    from os_faults.human import human_api
    from os_faults.model import Auth, Cost, Fault, HostResult, Interface, Jump, Node, Result, Status
    from os_faults.nodes import NodeCollection
    from os_faults.resources import register_ansible_modules
    from os_faults.service import Service
    from os_faults.version import get_version

# Loaded at first use: `import os_faults` must not load YAML and Ansible.
_MODULES = {
    "cloud": ("Cloud", "connect"),
    "container": ("Container",),
    "errors": (
        "AnsibleExecutionException",
        "AnsibleExecutionUnreachable",
        "ArgumentError",
        "CloudManagementError",
        "ConfigError",
        "ContainerError",
        "GuardRailError",
        "NodeCollectionError",
        "NothingTargeted",
        "OSFDriverNotFound",
        "OSFDriverWithSuchNameExists",
        "OSFError",
        "OSFException",
        "PartlyDone",
        "PartlyUnreachable",
        "PowerManagementError",
        "RunTimeout",
        "SentenceError",
        "ServiceError",
        "UndoError",
    ),
    "export": ("discover",),
    "human": ("human_api",),
    "model": ("Auth", "Cost", "Fault", "HostResult", "Interface", "Jump", "Node", "Result", "Status"),
    "nodes": ("NodeCollection",),
    "resources": ("register_ansible_modules",),
    "service": ("Service",),
    "version": ("get_version",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

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


#: Packages with import paths of 0.3, which callers reach as attributes: ``os_faults.api.error.OSFError``.
_PACKAGES = ("ansible", "api")


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name == "__version__":
        return import_module(f"{__name__}.version").get_version()
    if name not in _HOMES:
        raise AttributeError(f"module 'os_faults' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
