"""Drivers: what differs between one cloud, machine or service manager and another.

A driver runs nothing and asks nobody; it only translates. A cloud driver says whom to ask and what
the answers mean, a thing driver (power, service) says whether it knows a thing and with which
playbook variables. The docstring of each holds one YAML example, which the documentation shows.

The classes below say what the rest of os_faults expects of a driver; nothing needs to inherit them.
To add a driver: one module here (or in a package of your own), one line in the entry points
``os_faults.cloud``, ``os_faults.power``, ``os_faults.service``, ``os_faults.container`` or ``os_faults.node_discover``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from os_faults.model import HostResult, Node


@dataclass(frozen=True)
class Directory:
    """Who knows which nodes a cloud has, where the configuration does not name them one by one.

    Attributes:
        node: whom to ask.
        playbook: file name of the bundled playbook that asks.
        arguments: its options.
    """

    node: Node
    playbook: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Driver(Protocol):
    """What every driver has.

    Attributes:
        NAME: the word in the configuration, equal to the name of its entry point.
        DESCRIPTION: one line for people.
        SCHEMA: JSON Schema of its arguments; ``$defs`` of ``config/schema.yml`` may be referred to.
    """

    NAME: ClassVar[str]
    DESCRIPTION: ClassVar[str]
    SCHEMA: ClassVar[Mapping[str, Any]]

    def __init__(self, args: Any, where: str = "") -> None:
        """Check the arguments.

        Args:
            args: the driver's arguments, as `os_faults.config.load` returns them.
            where: path of the arguments, for messages.

        Raises:
            ConfigError: an argument is unknown, missing or wrong.
        """


class CloudDriver(Driver, Protocol):
    """Says whom to ask about the nodes of a cloud, and what they answered.

    Attributes:
        discover_playbook: file name of the bundled playbook that asks the seeds.
        catalogue: name of the cloud's services catalogue; None when it has none. Services of it that run in containers
            are known as containers too.
    """

    discover_playbook: ClassVar[str]
    catalogue: ClassVar[str | None]

    def __init__(self, args: Any, where: str = "", listed: Iterable[Node] = ()) -> None:
        """Check the arguments; ``listed`` are the nodes that ``node_discover`` names, if it is configured."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells the cloud from others, before anybody is asked: addresses, or the name of its directory."""

    def seeds(self) -> tuple[Node, ...]:
        """Return whom to ask, as far as the configuration tells."""

    def directory(self) -> Directory | None:
        """Return who tells the seeds; None when the configuration does."""

    def listed(self, result: HostResult) -> tuple[Node, ...]:
        """Return the seeds, from what the directory answered.

        Raises:
            CloudManagementError: the answer can't be used.
        """

    def nodes(self, results: Mapping[str, HostResult], seeds: Iterable[Node] | None = None) -> tuple[Node, ...]:
        """Return the nodes, from what each seed (by name) answered; one that did not answer is left out.

        Args:
            results: the answers.
            seeds: who was asked; those of the configuration when None.

        Raises:
            CloudManagementError: an answer can't be used.
        """

    def networks(self, node: Node) -> Mapping[str, str]:
        """Return network name → interface for one node."""


class PowerDriver(Driver, Protocol):
    """Knows machines that can be powered off and on.

    What is done to them stands in ``playbooks/tasks/power/<NAME>.yml``, and for machines with snapshots in
    ``playbooks/tasks/snapshot/<NAME>.yml``.

    Each is asked about a node twice: as the configuration alone tells of it, and, when that does not suffice, with the
    MAC addresses that the node reports and nobody else claims (`os_faults.drivers.machine_claims`).

    Attributes:
        VERBS: what these task files can do: ``os_faults.drivers.power.POWER_VERBS``, and ``SNAPSHOT_VERBS``.
        TOLD_BY: the keys by which a configuration says which machine a node has, for people.
    """

    VERBS: ClassVar[frozenset[str]]
    TOLD_BY: ClassVar[str]

    def supports(self, node: Node) -> bool:
        """Return whether the driver knows the machine of a node; the first one that does acts on it.

        Raises:
            PowerManagementError: what is known of the node leads to several machines.
        """

    def variables(self, node: Node) -> dict[str, Any]:
        """Return what the task file needs to know: the node's variable ``os_faults_power``.

        ``driver`` is the driver's name. An `os_faults.model.Auth` among the values becomes the list of ssh's
        options, an `os_faults.config.Secret` is looked up in a file that only its owner can read.
        """

    def place(self, variables: Mapping[str, Any]) -> tuple[str, str]:
        """Return who has a machine, and which of the machines there it is ("" for the only one), for people.

        Two nodes for which it returns the same have one machine.

        Args:
            variables: of the machine, as `variables` returns them.
        """


class ServiceDriver(Driver, Protocol):
    """Knows how a service is started, stopped and found on a host."""

    def entry(self) -> dict[str, Any]:
        """Return the service as catalogues write it (``driver``, handles, ``ports``)."""


class ContainerDriver(Driver, Protocol):
    """Knows which program runs a container."""

    def entry(self) -> dict[str, Any]:
        """Return the container as playbooks take it: ``engine``, and ``container`` when it has a name of its own."""


class NodeDiscoverDriver(Driver, Protocol):
    """Names the nodes of a cloud without asking anybody."""

    def seeds(self, login: Mapping[str, Any] | None = None, root_by_default: bool = False) -> tuple[Node, ...]:
        """Return the nodes that are known beforehand.

        Args:
            login: arguments of the cloud driver; their login keys hold where nothing else is said of a node.
            root_by_default: whether who logs in becomes root when nobody says whether to.
        """
