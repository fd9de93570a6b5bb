"""The hosts of a cloud as Ansible gets them."""

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
"""Name of a thing → what is known of it."""


@dataclass(frozen=True)
class Hosts:
    """What all inventories of a cloud have in common.

    Attributes:
        driver: knows the networks of nodes, and the catalogue of services.
        services: the services of the configuration.
        containers: the containers that are known.
        ssh: connection settings.
        by: who acts, ``user@controller``.
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
        to_act: bool = True,
    ) -> dict[str, Any]:
        """Return Ansible's inventory of nodes.

        Args:
            nodes: the hosts.
            machines: name of the node → its machine.
            secret_path: see `os_faults.ansible.inventory.inventory`.
            to_act: whether the inventory names who acts; one for people does not, since it may go to others.
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
            by=self.by if to_act else None,
        )

    def check_network(self, name: str, nodes: Iterable[Node]) -> None:
        """Refuse a network that one of the nodes does not have.

        Args:
            name: of a network, or of an interface.
            nodes: where it should be.

        Raises:
            ArgumentError: with the networks that the node has.
        """
        for node in nodes:
            networks = self.driver.networks(node)
            if name not in networks and name not in {interface.name for interface in node.interfaces}:
                raise ArgumentError(f"network '{name}' is not known on {node.fqdn}; {did_you_mean(name, networks)}")
