"""The hosts of a cloud, as an inventory for Ansible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from os_faults.ansible.inventory import inventory
from os_faults.config import SshConfig
from os_faults.drivers import CloudDriver
from os_faults.errors import ArgumentError, did_you_mean
from os_faults.model import Node

Variables = Mapping[str, Mapping[str, Any]]
"""Name of a node, service or container → its variables."""


@dataclass(frozen=True)
class Hosts:
    """The common part of all inventories of a cloud.

    Attributes:
        driver: knows the networks of nodes, and the catalogue of services.
        services: the services of the configuration.
        containers: the known containers.
        ssh: connection settings.
        by: the acting user, ``user@controller``.
    """

    driver: CloudDriver
    services: Variables
    containers: Variables
    ssh: SshConfig
    by: str

    def inventory(
        self,
        nodes: Iterable[Node],
        machines: Variables,
        *,
        secret_path: Callable[[str], str] | None = None,
        control_dir: str | None = None,
        to_act: bool = True,
    ) -> dict[str, Any]:
        """Return Ansible's inventory of nodes.

        Args:
            nodes: the hosts.
            machines: name of the node → its machine.
            secret_path: see `os_faults.ansible.inventory.inventory`.
            control_dir: see there.
            to_act: whether the inventory has the acting user; one for people does not, as they may pass it on.
        """
        nodes = tuple(nodes)
        return inventory(
            nodes,
            services=self.services,
            containers=self.containers,
            networks={node.fqdn: self.driver.networks(node) for node in nodes},
            power=machines,
            ssh=self.ssh,
            catalogue=self.driver.catalogue,
            secret_path=secret_path,
            control_dir=control_dir,
            by=self.by if to_act else None,
        )

    def check_network(self, name: str, nodes: Iterable[Node]) -> None:
        """Refuse a network that one of the nodes does not have.

        Args:
            name: name of a network or an interface.
            nodes: the nodes that should have it.

        Raises:
            ArgumentError: a node does not have it; the message lists the networks of the node.
        """
        for node in nodes:
            networks = self.driver.networks(node)
            if name not in networks and name not in {interface.name for interface in node.interfaces}:
                raise ArgumentError(f"network '{name}' is not known on {node.fqdn}; {did_you_mean(name, networks)}")
