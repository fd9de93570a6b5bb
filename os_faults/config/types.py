"""The configuration's one internal form: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from os_faults.model import Auth

HostKeyPolicy = Literal["accept-new", "strict", "off"]


@dataclass(frozen=True)
class DriverConfig:
    """One driver and its arguments, the same for the flat and the nested form.

    Attributes:
        driver: name of the driver, the name of its entry point.
        args: its arguments, by its schema; never shown in ``repr``.
        where: source and path of the arguments, the beginning of every message about them
            (``os-faults.yml: cloud_management.args``).
    """

    driver: str
    args: Any = field(default_factory=dict, repr=False)
    where: str = ""


@dataclass(frozen=True)
class ServiceConfig(DriverConfig):
    """A configured service (or container).

    Attributes:
        hosts: addresses or names of the nodes where it runs; if empty, discovery finds them.
    """

    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class SshConfig:
    """The settings of ssh for unknown and unreachable hosts.

    Attributes:
        host_key_policy: ``accept-new`` trusts a new host and refuses a changed key, ``strict`` trusts only the
            known-hosts file, ``off`` trusts every host.
        known_hosts: path of the known-hosts file; the user's own when None.
        connect_timeout: seconds until a host counts as unreachable.
    """

    host_key_policy: HostKeyPolicy = "accept-new"
    known_hosts: str | None = None
    connect_timeout: int = 10


@dataclass(frozen=True)
class Worker:
    """A worker: a machine that does runs for the controller.

    Attributes:
        address: address of the machine.
        auth: its login; it needs a key, as a password can't be asked for.
        runner: its ``ansible-runner``, a name on the PATH or a path.
        nodes: names, addresses or patterns of the nodes that only this worker takes; when empty, it takes the nodes
            that no worker names.
    """

    address: str
    auth: Auth = field(default_factory=Auth)
    runner: str = "ansible-runner"
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Protected:
    """Protected nodes and services, which are never broken; names, or patterns with ``*``, ``?`` and ``[…]``.

    Attributes:
        nodes: names, short names or addresses of nodes.
        services: names of services.
    """

    nodes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """The whole configuration.

    Attributes:
        cloud: the cloud driver.
        power: the power drivers; the first that knows a node is used.
        node_discover: the driver that names the nodes in place of the cloud driver, if any.
        services: name → configured service.
        containers: name → configured container.
        networks: network name → interface (for all nodes, or node name → interface); also in
            the cloud driver's arguments.
        ssh: see `SshConfig`.
        artifacts_dir: directory for the directories of runs; the state directory when None.
        heal_after: seconds after which a lasting fault ends by itself.
        limits: the most nodes of one action, a number (``3``) or a share (``50%``) each; the lowest binds.
        protected: see `Protected`.
        workers: the machines that do the runs; the controller when empty.
        source: origin of the configuration, for messages.
    """

    cloud: DriverConfig
    power: tuple[DriverConfig, ...] = ()
    node_discover: DriverConfig | None = None
    services: Mapping[str, ServiceConfig] = field(default_factory=dict)
    containers: Mapping[str, ServiceConfig] = field(default_factory=dict)
    networks: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    ssh: SshConfig = SshConfig()
    artifacts_dir: Path | None = None
    heal_after: int = 1800
    limits: tuple[str, ...] = ()
    protected: Protected = Protected()
    workers: tuple[Worker, ...] = ()
    source: str = ""
