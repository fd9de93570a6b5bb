"""Fuel: the master knows the nodes, and most services of controllers are resources of Pacemaker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from os_faults.actions.answers import Unfit, read_document
from os_faults.drivers.cloud.master import MASTER_ARGUMENTS, MasterCloud
from os_faults.errors import CloudManagementError
from os_faults.model import Auth, HostResult, Node

#: Name of a network → the bridge that Fuel makes for it on a node.
_BRIDGES = {"management": "br-mgmt", "public": "br-ex", "private": "br-prv", "storage": "br-storage"}


class FuelCloud(MasterCloud):
    """A cloud installed by Fuel.

    .. code-block:: yaml

        cloud_management:
          driver: fuel
          address: fuel.local               # the Fuel master
          username: root
          private_key_file: ~/.ssh/fuel

    The master lists its nodes by its own command line, ``fuel`` or ``fuel2``; nodes without an environment are left
    out. The login to the nodes is that of the master. It goes through the master, or directly with
    ``slave_direct_ssh: true``. ``nodes.filter(role="controller")`` chooses nodes by their roles in Fuel.

    Networks: ``management``, ``public``, ``private`` and ``storage`` are Fuel's bridges.
    """

    NAME: ClassVar[str] = "fuel"
    DESCRIPTION: ClassVar[str] = "A cloud installed by Fuel"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["address"],
        "properties": MASTER_ARGUMENTS,
    }
    catalogue: ClassVar[str | None] = "fuel"
    master: ClassVar[str] = "fuel-master"
    list_playbook: ClassVar[str] = "list_fuel.yml"

    def listed(self, result: HostResult) -> tuple[Node, ...]:
        """Return the nodes, from the output of Fuel's command line on the master.

        Raises:
            CloudManagementError: the output is not JSON, a node has no address, or no node belongs to an environment.
        """
        # The configured port is the master's; sshd of the nodes has the default port.
        auth = replace(self._node_login(), port=None)
        try:
            entries = read_document("fuel_nodes", list(_documents(result.stdout)))
        except Unfit as error:
            raise CloudManagementError(
                f"the list of nodes that the Fuel master printed can't be used: {error}"
            ) from None
        members = _members(entries)
        nodes = tuple(_node(entry, auth) for entry in members if not _flaw(entry))
        if not nodes:
            raise CloudManagementError(
                next(map(_flaw, members), "")
                or f"none of the {len(entries)} nodes that the Fuel master knows is in an environment"
            )
        return nodes

    def left_out(self, result: HostResult) -> Mapping[str, str]:
        """Return the nodes without a name or an address: name, or number, → a sentence."""
        flaws = ((entry, _flaw(entry)) for entry in _members(_documents(result.stdout)))
        return {str(entry.get("fqdn") or entry.get("id")): flaw for entry, flaw in flaws if flaw}

    def _default_networks(self, node: Node) -> dict[str, str]:
        there = {interface.name for interface in node.interfaces}
        bridges = {name: bridge for name, bridge in _BRIDGES.items() if bridge in there}
        return {**super()._default_networks(node), **bridges}


def _documents(printed: str) -> Iterator[Mapping[str, Any]]:
    """Return the printed nodes: one list, or one document after the other.

    Raises:
        CloudManagementError: the output is something else.
    """
    decoder = json.JSONDecoder()
    rest = _without_greeting(printed).strip()
    while rest:
        try:
            found, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            found, end = None, 0
        entries = found if isinstance(found, list) else [found]
        if not all(isinstance(entry, Mapping) for entry in entries):
            raise CloudManagementError(f"the Fuel master printed no list of nodes but {rest[:80]!r}")
        yield from entries
        rest = rest[end:].lstrip()


def _without_greeting(printed: str) -> str:
    r"""Return what follows the lines that a login shell has printed: the first of the nodes opens a line.

    Example:
        >>> _without_greeting('Welcome\n[to] Fuel\n[{"id": 1}]')
        '[{"id": 1}]'
    """
    begin = re.search(r"^\s*(\[\s*)?\{\s*[\"}]|^\s*\[\s*\]", printed, re.MULTILINE)
    return printed[begin.start() :] if begin else printed


def _members(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the nodes that belong to an environment."""
    return [entry for entry in entries if entry.get("cluster", True) is not None]


def _flaw(entry: Mapping[str, Any]) -> str:
    """Return why a node that Fuel knows can't be reached; "" when it can."""
    known = isinstance(entry.get("fqdn") or entry.get("name"), str) and isinstance(entry.get("ip"), str)
    return "" if known else f"the Fuel master knows no name or no address of its node {entry.get('id')}"


def _node(entry: Mapping[str, Any], auth: Auth) -> Node:
    roles = entry.get("roles") or ()
    roles = roles.split(",") if isinstance(roles, str) else roles
    return Node(
        entry.get("fqdn") or entry["name"],
        entry["ip"],
        entry.get("mac"),
        auth=auth,
        roles=tuple(role.strip() for role in roles),
    )
