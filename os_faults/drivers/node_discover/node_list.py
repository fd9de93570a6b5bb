"""Nodes listed in the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from os_faults.config import LOGIN, auth_of, check
from os_faults.drivers.cloud.ssh import seed_name
from os_faults.model import Node


class NodeList:
    """Nodes by address, with names and MAC addresses if power drivers need them.

    .. code-block:: yaml

        node_discover:
          driver: node_list
          args:
            - ip: 10.0.0.2
              fqdn: node-2.local
              mac: 52:54:00:f9:b8:f9
              libvirt_name: node-2
              auth: {username: ubuntu, private_key_file: ~/.ssh/id_ed25519}
            - {ip: 10.0.0.3, username: ubuntu, port: 2222, become: true}

    A node may have all keys of a login, flat or under ``auth``; missing keys come from the login of the cloud.
    ``libvirt_name`` is the name of its domain, for the power driver ``libvirt``. Without ``fqdn`` the node is asked for
    its name.

    This list replaces the nodes of ``cloud_management``.
    """

    NAME: ClassVar[str] = "node_list"
    DESCRIPTION: ClassVar[str] = "Nodes that are listed in the configuration"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "array",
        "minItems": 1,
        "description": "a list of nodes, at least one",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["ip"],
            "properties": {
                "ip": {"$ref": "#/$defs/address"},
                "fqdn": {"$ref": "#/$defs/name"},
                "mac": {"$ref": "#/$defs/mac"},
                "libvirt_name": {"$ref": "#/$defs/domain"},
                "auth": {"$ref": "#/$defs/auth"},
                **LOGIN,
            },
        },
    }

    def __init__(self, args: Sequence[Mapping[str, Any]], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self._args = args
        self._where = where
        self.seeds()  # refuses a login that is given twice

    def seeds(self, login: Mapping[str, Any] | None = None, root_by_default: bool = False) -> tuple[Node, ...]:
        """Return the listed nodes, each once; ``login`` applies where an entry has no key."""
        return tuple(
            dict.fromkeys(
                _node(entry, f"{self._where}[{index}]", login or {}, root_by_default)
                for index, entry in enumerate(self._args)
            )
        )


def _node(entry: Mapping[str, Any], where: str, login: Mapping[str, Any], root_by_default: bool) -> Node:
    name = entry.get("fqdn") or seed_name(entry["ip"])
    auth = auth_of(login, entry, root_by_default=root_by_default, where=where)
    return Node(name, entry["ip"], entry.get("mac"), auth=auth, libvirt_name=entry.get("libvirt_name"))
