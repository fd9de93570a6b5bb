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
"""How libvirt may be reached. One is left out: ``ext`` is a program of this machine that libvirt starts."""
_PARAMETERS = frozenset(
    {
        *("name", "mode", "socket", "proxy", "netcat", "keyfile", "sshauth", "known_hosts", "known_hosts_verify"),
        *("no_tty", "no_verify", "no_sanity", "pkipath", "tls_priority", "transport", "vcenter", "auto_answer"),
    }
)
"""What a connection URI may tell. One is left out: ``command`` is a program of this machine that libvirt starts."""


class LibvirtPower:
    """Nodes that are virtual machines; libvirt runs on the host at ``address``.

    .. code-block:: yaml

        power_management:
          driver: libvirt
          address: kvm.local
          username: root
          private_key_file: ~/.ssh/kvm

    libvirt itself logs in there by ssh, with a key or an agent. In place of the address a connection URI:
    ``connection_uri: qemu:///system``. It names one of libvirt's own transports and no ``command``, as libvirt would
    start that on this machine. The controller needs ``pip install 'os-faults[libvirt]'``, the host nothing but libvirt.

    A domain is found by the ``libvirt_name`` or the ``mac`` of the node, where ``node_list`` tells it, else by the MAC
    addresses that the node itself reports: there it is believed, unless another node claims the address too. The domain
    of a node that never answered is looked for by its name. ``domains: {node-1.domain.tld: controller,
    node-2.domain.tld: compute}`` tells the domains one by one; then this driver knows no other node, so several
    hypervisors may stand under ``power_managements``; one without ``domains`` claims every node that is not claimed
    before it, so it comes last. ``connect_timeout`` is the number of seconds after which a libvirt that does not answer
    is a failure (20 when left out); that of ssh is the configuration's ``ssh: {connect_timeout: …}``.

    Attributes:
        connection_uri: how libvirt is reached.
        auth: how to log in to the host at ``address``.
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
        """Return whether the node is one of ``domains``; when none is told, whether there is anything to find it by."""
        return node.fqdn in self.domains if self.domains else bool(node.libvirt_name or macs_of(node))

    def variables(self, node: Node) -> dict[str, Any]:
        """Return where the domain of the node is, and what it is known by."""
        variables: dict[str, Any] = {"driver": self.NAME, "uri": self.connection_uri, **self._more}
        if urlsplit(self.connection_uri).scheme.endswith("+ssh"):
            variables["ssh_args"] = self.auth
        told = self.domains.get(node.fqdn) or node.libvirt_name
        return {**variables, "domain": told} if told else {**variables, "macs": macs_of(node)}

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
    """Refuse a URI by which libvirt would start a program of this machine.

    Raises:
        ConfigError: with what it may say.
    """
    parts = urlsplit(uri)
    transport = parts.scheme.partition("+")[2]
    if transport not in _TRANSPORTS:
        known = ", ".join(sorted(_TRANSPORTS - {""}))
        raise ConfigError(f"{where}: libvirt must be reached by one of {known}, not by {transport!r}")
    # libvirt takes a semicolon for a separator too.
    told = [unquote(word.partition("=")[0]) for word in re.split("[&;]", parts.query) if word]
    if strange := [name for name in told if name not in _PARAMETERS]:
        raise ConfigError(f"{where} may tell {', '.join(sorted(_PARAMETERS))}, and not {strange[0]!r}")
