"""Claims of nodes to machines, and the trust in them.

Root on a node can let it report any name and any MAC address. So the configuration counts more than the report, and an
address that two nodes claim counts for neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from os_faults.drivers.power import macs_of
from os_faults.model import Node


class MachineClaims:
    """The claims of the nodes of a cloud, compared with each other and with the configuration.

    Args:
        configured: the nodes as the configuration names them.
        known: all nodes of the cloud, as discovered.

    Example:
        >>> good, evil = Node("good", "10.0.0.1", "52:54:00:00:00:01"), Node("evil", "10.0.0.2", "52:54:00:00:00:01")
        >>> [view.mac for view, _ in MachineClaims([], [good, evil]).views(good)]
        [None, None, None]
        >>> MachineClaims([good], [good, evil]).views(good)[0]
        (Node(fqdn='good', ip='10.0.0.1', mac='52:54:00:00:00:01'), True)
        >>> MachineClaims([good], [good, evil]).rivals(evil)
        {'52:54:00:00:00:01': ['good']}
    """

    def __init__(self, configured: Iterable[Node], known: Iterable[Node]) -> None:
        self._configured = {node.ip: node for node in configured}
        by_report: dict[str, set[str]] = {}
        by_configuration: dict[str, set[str]] = {}
        for node in known:
            owners = by_configuration if self._configured_mac(node) else by_report
            for mac in self.claims(node):
                owners.setdefault(mac, set()).add(node.fqdn)
        self._owners = {**by_report, **by_configuration}

    def claims(self, node: Node) -> list[str]:
        """Return the MAC address of a node in the configuration, else the addresses that it reports."""
        configured = self._configured_mac(node)
        return [configured] if configured else macs_of(node)

    def rivals(self, node: Node) -> dict[str, list[str]]:
        """Return the other nodes that have or claim a MAC address of a node: MAC address → names."""
        others = {mac: self._owners.get(mac, set()) - {node.fqdn} for mac in self.claims(node)}
        return {mac: sorted(names) for mac, names in others.items() if names}

    def views(self, node: Node) -> list[tuple[Node, bool]]:
        """Return the views of a node by which its machine may be found, the most trusted first.

        1. the node as the configuration, or the directory of the cloud, names it;
        2. with its own reported name;
        3. with the MAC addresses that it reports and no other node claims. A node that reports none is found by its
           name, if the name is not its own report.

        Returns:
            The views, each with a node that has only these facts about its machine, and whether all of them come from
            the configuration.
        """
        configured = self._as_configured(node)
        named = replace(configured, fqdn=node.fqdn)
        views = [(configured, True), (named, False)]
        if self._configured_mac(node):
            return views
        rivals = self.rivals(node)
        believed = replace(
            named,
            mac=None if node.mac in rivals else node.mac,
            interfaces=tuple(replace(each, mac=None) if each.mac in rivals else each for each in node.interfaces),
        )
        if not macs_of(node) and (node.last_seen == "never" or configured.fqdn == node.fqdn):
            return [*views, (replace(named, libvirt_name=named.libvirt_name or node.fqdn), False)]
        return [*views, (believed, False)]

    def _as_configured(self, node: Node) -> Node:
        seed = self._configured.get(node.ip, node)
        mac = self._configured_mac(node)
        return replace(seed, mac=None if mac in self.rivals(node) else mac, interfaces=())

    def _configured_mac(self, node: Node) -> str | None:
        seed = self._configured.get(node.ip)
        return seed.mac if seed else None
