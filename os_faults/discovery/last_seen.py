"""The last discovery of each cloud, kept between sessions.

A node that is off or cut off can't be discovered, but it can still be named, powered on and healed.
Only names, addresses, MACs and found services are kept (0600), no logins.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from os_faults.errors import CloudManagementError
from os_faults.model import Auth, Interface, Node
from os_faults.system import files

LOG = logging.getLogger(__name__)


class LastSeen:
    """Keeps the last discovery of one cloud in a file.

    Args:
        path: path of the file; None keeps nothing on the disk.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def remember(self, nodes: Iterable[Node]) -> None:
        """Add nodes that answered now to the file; nodes that did not answer stay in it.

        A state directory that can't be written is only logged: the next session knows less.
        """
        if self._path is None:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        seen = {node.fqdn: {**_plain(node), "last_seen": now} for node in nodes}
        try:
            with files.locked(self._path):
                files.replace(self._path, json.dumps({**_without(self._read(), seen), **seen}, indent=1))
        except OSError as error:
            LOG.warning("can't remember the nodes of this cloud: %s", error)

    def recall(self, logins: Mapping[str, Auth]) -> dict[str, Node]:
        """Return the nodes of the last discoveries by name, each with ``last_seen`` set.

        Args:
            logins: address → login, from the current configuration; a node with another address no longer belongs to
                the cloud.
        """
        return {name: replace(node, auth=logins[node.ip]) for name, node in self._nodes().items() if node.ip in logins}

    def named(self, name: str) -> Node | None:
        """Return a node of the last discoveries, without a login; None when no discovery found it."""
        return self._nodes().get(name)

    def _nodes(self) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for name, kept in self._read().items():
            try:
                nodes[name] = _node(name, kept)
            except (CloudManagementError, KeyError, TypeError, ValueError, AttributeError):
                continue  # the file was written by hand or by another version
        return nodes

    def _read(self) -> dict[str, dict[str, object]]:
        if self._path is None:
            return {}
        try:
            with files.opened(self._path) as file:
                content = json.load(file)
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}


def _without(kept: Mapping[str, Mapping[str, object]], seen: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Return the kept nodes with other addresses than the seen ones: a host that changes its name is one host."""
    addresses = {about["ip"] for about in seen.values()}
    return {name: about for name, about in kept.items() if isinstance(about, dict) and about.get("ip") not in addresses}


def _plain(node: Node) -> dict[str, object]:
    return {
        "ip": node.ip,
        "mac": node.mac,
        "interfaces": [[nic.name, nic.mac, list(nic.addresses)] for nic in node.interfaces],
        "units": {name: list(units) for name, units in node.units.items()},
        "containers": list(node.containers),
        "libvirt_name": node.libvirt_name,
        "roles": list(node.roles),
    }


def _node(name: str, kept: Mapping[str, object]) -> Node:
    interfaces: Iterable[tuple[str, str | None, list[str]]] = kept["interfaces"]  # type: ignore[assignment]
    units: Mapping[str, list[str]] = kept["units"]  # type: ignore[assignment]
    return Node(
        fqdn=name,
        ip=str(kept["ip"]),
        mac=kept["mac"],  # type: ignore[arg-type]
        interfaces=tuple(Interface(nic, mac, tuple(addresses)) for nic, mac, addresses in interfaces),
        units={service: tuple(found) for service, found in units.items()},
        containers=tuple(kept.get("containers", ())),  # type: ignore[arg-type]
        libvirt_name=kept.get("libvirt_name"),  # type: ignore[arg-type]
        roles=tuple(kept.get("roles", ())),  # type: ignore[arg-type]
        last_seen=str(kept["last_seen"]),
    )
