"""Virtual machines under libvirt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from os_faults.config import LOGIN, auth_of, check
from os_faults.config.schema import join
from os_faults.drivers.power import CONNECT_TIMEOUT, POWER_VERBS, SNAPSHOT_VERBS, connect_timeout, macs_of
from os_faults.errors import ConfigError
from os_faults.model import Node


class LibvirtPower:
    """Nodes that are virtual machines; libvirt runs on the host at ``address``.

    .. code-block:: yaml

        power_management:
          driver: libvirt
          address: kvm.local
          username: root
          private_key_file: ~/.ssh/kvm

    libvirt itself logs in there by ssh, with a key or an agent. In place of the address a connection URI:
    ``connection_uri: qemu:///system``. The controller needs ``pip install 'os-faults[libvirt]'``, the host nothing
    but libvirt.

    A domain is found by the ``libvirt_name`` of the node, where ``node_list`` tells it, else by its MAC addresses; of a
    node whose MAC addresses are not known, by its name. ``domains: {node-1.domain.tld: controller, node-2.domain.tld:
    compute}`` tells the domains one by one; then this driver knows no other node, so several hypervisors may stand
    under ``power_managements``; one without ``domains`` claims every node that is not claimed before it, so it comes
    last. ``connect_timeout`` is the number of seconds after which a libvirt that does not answer is a failure (20 when
    left out); that of ssh is the configuration's ``ssh: {connect_timeout: …}``.

    Attributes:
        connection_uri: how libvirt is reached.
        auth: how to log in to the host at ``address``.
        domains: name of the node → name or UUID of its domain.
    """

    NAME: ClassVar[str] = "libvirt"
    DESCRIPTION: ClassVar[str] = "Virtual machines under libvirt"
    VERBS: ClassVar[frozenset[str]] = POWER_VERBS | SNAPSHOT_VERBS
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with address or connection_uri, and not both",
        "properties": {
            "address": {"$ref": "#/$defs/address"},
            "connection_uri": {
                "type": "string",
                "pattern": r"^[a-z0-9]+(\+[a-z0-9]+)?://[^\s{}]*$",
                "description": "a libvirt URI such as 'qemu+ssh://root@kvm.local/system'",
            },
            "domains": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": {"$ref": "#/$defs/domain"},
                "description": "a mapping from node name to domain",
            },
            "auth": {"$ref": "#/$defs/auth"},
            **LOGIN,
            **CONNECT_TIMEOUT,
        },
        "oneOf": [{"required": ["address"]}, {"required": ["connection_uri"]}],
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self.auth = auth_of(args, where=where)
        if self.auth.password is not None:
            raise ConfigError(f"{join(where, 'password')}: libvirt logs in by a key or an agent, not by a password")
        self.connection_uri: str = args.get("connection_uri") or self._uri(args["address"])
        self._more = connect_timeout(args)
        self.domains: Mapping[str, str] = dict(args.get("domains", {}))

    def supports(self, node: Node) -> bool:
        """Return whether the node is one of ``domains``; any node may be a domain when none is told."""
        return not self.domains or node.fqdn in self.domains

    def variables(self, node: Node) -> dict[str, Any]:
        """Return where the domain of the node is, and what it is known by."""
        variables: dict[str, Any] = {"driver": self.NAME, "uri": self.connection_uri, **self._more}
        if urlsplit(self.connection_uri).scheme.endswith("+ssh"):
            variables["ssh_args"] = self.auth
        macs = macs_of(node)
        told = self.domains.get(node.fqdn) or node.libvirt_name
        return {**variables, "macs": macs} if macs and not told else {**variables, "domain": told or node.fqdn}

    def _uri(self, address: str) -> str:
        user = f"{self.auth.username}@" if self.auth.username else ""
        host = f"[{address}]" if ":" in address else address
        port = f":{self.auth.port}" if self.auth.port else ""
        return f"qemu+ssh://{user}{host}{port}/system"
