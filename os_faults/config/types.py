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
    """One driver and its arguments, flat and nested form alike.

    Attributes:
        driver: name of the driver, as its entry point says.
        args: what the driver's schema asks for; never shown in ``repr``.
        where: source and path of the arguments, the beginning of every message about them
            (``os-faults.yml: cloud_management.args``).
    """

    driver: str
    args: Any = field(default_factory=dict, repr=False)
    where: str = ""


@dataclass(frozen=True)
class ServiceConfig(DriverConfig):
    """A service (or container) that the user configured.

    Attributes:
        hosts: addresses or names of the nodes where it runs; empty means "look for it".
    """

    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class SshConfig:
    """How ssh treats unknown and unreachable hosts.

    Attributes:
        host_key_policy: ``accept-new`` trusts a host at first sight and refuses a changed key,
            ``strict`` trusts only what is in the known-hosts file, ``off`` trusts everything.
        known_hosts: path of the known-hosts file; the user's own when None.
        connect_timeout: seconds until a host counts as unreachable.
    """

    host_key_policy: HostKeyPolicy = "accept-new"
    known_hosts: str | None = None
    connect_timeout: int = 10


@dataclass(frozen=True)
class Worker:
    """An execution node: a machine that does runs for this one.

    Attributes:
        address: of the machine.
        auth: how to log in there; with a key, as nobody can be asked for a password.
        runner: its ``ansible-runner``, a name on the PATH or a path.
        nodes: names or addresses of the nodes that only it does, or patterns of them; when empty, those that no worker
            names.
    """

    address: str
    auth: Auth = field(default_factory=Auth)
    runner: str = "ansible-runner"
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Protected:
    """What is never broken; names, or patterns with ``*``, ``?`` and ``[…]``.

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
        power: the power drivers, in the order in which they are asked.
        node_discover: who names the nodes in place of the cloud driver, if anybody.
        services: name → service that the user configured.
        containers: name → container that the user configured.
        networks: network name → interface (for all nodes, or node name → interface); also in
            the cloud driver's arguments.
        ssh: see `SshConfig`.
        artifacts_dir: where the directories of runs are kept; None keeps none.
        heal_after: seconds after which a lasting fault undoes itself.
        limits: at most so many nodes (``3``) or such a share (``50%``) in one action; the lowest binds.
        protected: see `Protected`.
        workers: who does the runs; this machine when empty.
        source: where the configuration came from, for messages.
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
