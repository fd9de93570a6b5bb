"""Virtual machines under libvirt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

from os_faults.config import LOGIN, auth_of, check
from os_faults.config.schema import join
from os_faults.drivers.power import CONNECT_TIMEOUT, POWER_VERBS, SNAPSHOT_VERBS, connect_timeout, macs_of
from os_faults.errors import ConfigError
from os_faults.model import Node

_TRANSPORTS = frozenset({"", "unix", "tcp", "tls", "ssh", "libssh", "libssh2"})
"""The allowed transports of libvirt. Not allowed is ``ext``: libvirt would start a program on the controller."""
_PARAMETERS = frozenset(
    {
        *("name", "mode", "socket", "proxy", "netcat", "keyfile", "sshauth", "known_hosts", "known_hosts_verify"),
        *("no_tty", "no_verify", "no_sanity", "pkipath", "tls_priority", "transport", "vcenter", "auto_answer"),
    }
)
"""The allowed parameters of a URI. Not allowed is ``command``: libvirt would start a program on the controller."""


class LibvirtPower:
    """Nodes that are virtual machines under libvirt, on the host at ``address``.

    .. code-block:: yaml

        power_management:
          driver: libvirt
          address: kvm.local
          username: root
          private_key_file: ~/.ssh/kvm

    libvirt itself logs in there by ssh, with a key or an agent. A connection URI can replace the address:
    ``connection_uri: qemu:///system``. It must have one of libvirt's own transports and no ``command``, which libvirt
    would start on the controller. The controller needs ``pip install 'os-faults[libvirt]'``; the host needs only
    libvirt.

    A domain is found by the node's ``libvirt_name`` or ``mac`` in ``node_list``, else by the MAC addresses that the
    node itself reports. The report of a node counts unless another node claims the same address. The domain of a node
    that never answered is found by the node's name.

    ``domains: {node-1.domain.tld: controller, node-2.domain.tld: compute}`` names the domains one by one. The driver
    then knows no other nodes, so ``power_managements`` may have several hypervisors. A hypervisor without ``domains``
    takes every node that is not taken before it, so it must be the last one. ``connect_timeout`` is the number of
    seconds after which a silent libvirt is a failure (20 when left out); that of ssh is the configuration's
    ``ssh: {connect_timeout: …}``.

    Attributes:
        connection_uri: the connection URI of libvirt.
        auth: the login to the host at ``address``.
        domains: name of the node → name or UUID of its domain.
    """

    NAME: ClassVar[str] = "libvirt"
    DESCRIPTION: ClassVar[str] = "Virtual machines under libvirt"
    VERBS: ClassVar[frozenset[str]] = POWER_VERBS | SNAPSHOT_VERBS
    TOLD_BY: ClassVar[str] = "domains, or libvirt_name or mac of each node in node_list"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with address or connection_uri, and not both",
        "properties": {
            "address": {"$ref": "#/$defs/address"},
            "connection_uri": {
                "type": "string",
                "pattern": r"^[a-z0-9]+(\+[a-z0-9]+)?://(?!-)([^\s{}?#/@]*@(?!-))?[^\s{}?#/@]*(/[^\s{}?#]*)?(\?[^\s{}?#]*)?$",
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
        _refuse_programs(self.connection_uri, join(where, "connection_uri"))
        self._more = connect_timeout(args)
        self.domains: Mapping[str, str] = dict(args.get("domains", {}))

    def supports(self, node: Node) -> bool:
        """Return whether ``domains`` has the node; without ``domains``, whether it has a libvirt name or a MAC."""
        return node.fqdn in self.domains if self.domains else bool(node.libvirt_name or macs_of(node))

    def variables(self, node: Node) -> dict[str, Any]:
        """Return the hypervisor of the node's domain, and the name or the MAC addresses of the domain."""
        variables: dict[str, Any] = {"driver": self.NAME, "uri": self.connection_uri, **self._more}
        if urlsplit(self.connection_uri).scheme.endswith("+ssh"):
            variables["ssh_args"] = self.auth
        domain = self.domains.get(node.fqdn) or node.libvirt_name
        return {**variables, "domain": domain} if domain else {**variables, "macs": macs_of(node)}

    def place(self, variables: Mapping[str, Any]) -> tuple[str, str]:
        """Return the hypervisor and the domain."""
        which = variables.get("domain") or f"with {' or '.join(variables['macs'])}"
        return f"libvirt at {variables['uri']}", f"the domain {which}"

    def _uri(self, address: str) -> str:
        user = f"{quote(self.auth.username, safe='')}@" if self.auth.username else ""
        host = f"[{address}]" if ":" in address else address
        port = f":{self.auth.port}" if self.auth.port else ""
        return f"qemu+ssh://{user}{host}{port}/system"


def _refuse_programs(uri: str, where: str) -> None:
    """Refuse a URI that makes libvirt start a program on the controller.

    Raises:
        ConfigError: the message lists the allowed transports or parameters.
    """
    parts = urlsplit(uri)
    transport = parts.scheme.partition("+")[2]
    if transport not in _TRANSPORTS:
        known = ", ".join(sorted(_TRANSPORTS - {""}))
        raise ConfigError(f"{where}: libvirt must be reached by one of {known}, not by {transport!r}")
    # For libvirt a semicolon is a separator, too.
    names = [unquote(word.partition("=")[0]) for word in re.split("[&;]", parts.query) if word]
    if strange := [name for name in names if name not in _PARAMETERS]:
        raise ConfigError(f"{where} may have the parameters {', '.join(sorted(_PARAMETERS))}, not {strange[0]!r}")
