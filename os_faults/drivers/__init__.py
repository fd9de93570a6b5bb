"""Drivers: the differences between kinds of clouds, machines, services and containers.

A driver runs nothing and asks no host; it only translates. A cloud driver returns the nodes to ask and reads their
answers. A power driver returns the playbook variables of the machines that it knows; a service or container driver
returns its entry for the playbooks. The docstring of each driver has one YAML example, which the documentation shows.

The classes below are the protocols of drivers; nothing needs to inherit from them.
To add a driver, write one module here (or in your own package), and one line in the entry points
``os_faults.cloud``, ``os_faults.power``, ``os_faults.service``, ``os_faults.container`` or ``os_faults.node_discover``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from os_faults.model import HostResult, Node


@dataclass(frozen=True)
class Directory:
    """A host that knows the nodes of a cloud, if the configuration does not name them one by one.

    Attributes:
        node: the host to ask.
        playbook: file name of the bundled playbook that asks it.
        arguments: the options of the playbook.
    """

    node: Node
    playbook: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Driver(Protocol):
    """The common part of all drivers.

    Attributes:
        NAME: its name in the configuration, equal to the name of its entry point.
        DESCRIPTION: one line for people.
        SCHEMA: JSON Schema of its arguments; it may refer to the ``$defs`` of ``config/schema.yml``.
        OLDER_NAME_OF: the name of the driver that has taken its place, for a driver that is kept for configurations of
            version 0.3. There every verb was done as root, so the ssh user becomes root then; "" for all others.
    """

    NAME: ClassVar[str]
    DESCRIPTION: ClassVar[str]
    OLDER_NAME_OF: ClassVar[str] = ""
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
    """Returns the seeds of a cloud, and reads their answers.

    Attributes:
        discover_playbook: file name of the bundled playbook that asks the seeds.
        catalogue: name of the cloud's services catalogue; None when it has none. Its services that run in containers
            are also known as containers.
    """

    discover_playbook: ClassVar[str]
    catalogue: ClassVar[str | None]

    def __init__(self, args: Any, where: str = "", listed: Iterable[Node] = ()) -> None:
        """Check the arguments; ``listed`` has the nodes of ``node_discover``, if it is configured."""

    @property
    def identity(self) -> tuple[str, ...]:
        """The identity of the cloud before discovery: addresses, or the name of its directory."""

    def seeds(self) -> tuple[Node, ...]:
        """Return the seeds that the configuration names."""

    def directory(self) -> Directory | None:
        """Return the directory that lists the seeds; None when the configuration names them."""

    def listed(self, result: HostResult) -> tuple[Node, ...]:
        """Return the seeds, from the answer of the directory.

        Raises:
            CloudManagementError: the answer can't be used.
        """

    def left_out(self, result: HostResult) -> Mapping[str, str]:
        """Return the members that the directory can't describe, as they are dead or mute: name → a sentence.

        Such a member is asked at its last known address, or left out with a warning.
        """

    def nodes(self, results: Mapping[str, HostResult], seeds: Iterable[Node] | None = None) -> tuple[Node, ...]:
        """Return the nodes, from the answers of the seeds; a seed without an answer is left out.

        Args:
            results: name of the seed → its answer.
            seeds: the asked seeds; those of the configuration when None.

        Raises:
            CloudManagementError: an answer can't be used.
        """

    def networks(self, node: Node) -> Mapping[str, str]:
        """Return network name → interface for one node."""


class PowerDriver(Driver, Protocol):
    """Knows machines that can be powered off and on.

    The tasks for these machines are in ``playbooks/tasks/power/<NAME>.yml``, and for machines with snapshots in
    ``playbooks/tasks/snapshot/<NAME>.yml``.

    A driver is asked about a node twice: first with the facts of the configuration alone, then also with the MAC
    addresses that the node reports and no other node claims (`os_faults.drivers.machine_claims`).

    Attributes:
        VERBS: the verbs of these task files: ``os_faults.drivers.power.POWER_VERBS``, and ``SNAPSHOT_VERBS``.
        TOLD_BY: the keys of a configuration for the machine of a node, for people.
    """

    VERBS: ClassVar[frozenset[str]]
    TOLD_BY: ClassVar[str]

    def supports(self, node: Node) -> bool:
        """Return whether the driver knows the machine of a node; the first driver that does is used.

        Raises:
            PowerManagementError: the facts about the node fit several machines.
        """

    def variables(self, node: Node) -> dict[str, Any]:
        """Return the input of the task file: the node's variable ``os_faults_power``.

        ``driver`` is the driver's name. An `os_faults.model.Auth` among the values becomes the list of ssh's
        options, an `os_faults.config.Secret` is looked up in a file that only its owner can read.
        """

    def place(self, variables: Mapping[str, Any]) -> tuple[str, str]:
        """Return the host or BMC of a machine, and the machine's name there ("" for the only one), for people.

        Two nodes with the same place have one machine.

        Args:
            variables: the variables of the machine, as `variables` returns them.
        """


class ServiceDriver(Driver, Protocol):
    """Knows how to start, stop and find a service on a host."""

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue (``driver``, handles, ``ports``)."""


class ContainerDriver(Driver, Protocol):
    """Knows the program that runs a container."""

    def entry(self) -> dict[str, Any]:
        """Return the container for the playbooks: ``engine``, and ``container`` if it has its own name there."""


class NodeDiscoverDriver(Driver, Protocol):
    """Names the nodes of a cloud without asking a host."""

    def seeds(self, login: Mapping[str, Any] | None = None, root_by_default: bool = False) -> tuple[Node, ...]:
        """Return the nodes that are known beforehand.

        Args:
            login: arguments of the cloud driver; their login keys apply where a node has none.
            root_by_default: whether the ssh user becomes root when the configuration has no ``become``.
        """
