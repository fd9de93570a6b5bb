"""The nodes that have a service or a container."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from os_faults.config import ServiceConfig
from os_faults.discovery.discovery import Discovery
from os_faults.model import Node

_ON_NODE: Mapping[str, Callable[[Node], Iterable[str]]] = {
    "service": lambda node: node.units,
    "container": lambda node: node.containers,
}
"""Kind of a component → function that returns the names of the node's components."""


@dataclass(frozen=True)
class Placement:
    """Finds the nodes of the services, or of the containers, of a cloud.

    Attributes:
        discovery: the nodes of the cloud.
        kind: ``service`` or ``container``.
        configured: the components of the configuration, by name; their ``hosts`` win over the reports of nodes.
    """

    discovery: Discovery
    kind: str
    configured: Mapping[str, ServiceConfig]

    def nodes(self, name: str, *, silent: bool = False) -> tuple[Node, ...]:
        """Return the nodes that have it, running or not: those of the configuration, else those that report it.

        Args:
            name: name of the service or container.
            silent: accept nodes that do not answer; their components come from the last discovery.

        Raises:
            AnsibleExecutionUnreachable, PartlyDone: a node did not answer, and ``silent`` is False.
        """
        configured = self.configured.get(name)
        if configured and configured.hosts:
            return self.discovery.named(configured.hosts)
        nodes = self.discovery.known().values() if silent else self.discovery.nodes()
        return tuple(node for node in nodes if name in _ON_NODE[self.kind](node))

    def running(self, name: str) -> tuple[Node, ...]:
        """Ask the nodes that have it, and return those where it runs now.

        Raises:
            AnsibleExecutionUnreachable, PartlyDone: a node did not answer.
        """
        nodes = self.nodes(name)
        if not nodes:
            return ()
        answers = self.discovery.ask(nodes).raise_for_status()
        reports = {node: answers[node.fqdn].payload[f"{self.kind}s"].get(name, {}) for node in nodes}
        return tuple(node for node in nodes if reports[node].get("active"))
