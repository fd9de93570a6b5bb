"""Machines with a management controller (BMC) that speaks Redfish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.config.schema import join
from os_faults.drivers.power import CONNECT_TIMEOUT, POWER_VERBS, connect_timeout, macs_of
from os_faults.drivers.power.bmc import TOLD_BY, Bmcs, mappings, secured
from os_faults.errors import ConfigError
from os_faults.model import Node

_SERVICE: Mapping[str, Any] = {
    "url": {
        "type": "string",
        "pattern": r"^https?://[^\s{}@/?#]+/?$",
        "description": "a URL without a path, such as 'https://10.30.0.2:8443'",
    },
    "username": {"$ref": "#/$defs/user"},
    "password": {"$ref": "#/$defs/secret"},
    "verify": {
        "anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/path"}],
        "description": "true, false, or the path of a file with certificates",
    },
    "insecure_http": {"type": "boolean", "description": "true or false"},
}
_LOGIN = ["url", "username", "password"]
_SYSTEM = {
    "type": "string",
    "pattern": r"^[^\s{}?#]+$",
    "description": "the identity of a system, without spaces or braces",
}
_BMC = {
    "type": "object",
    "additionalProperties": False,
    "required": _LOGIN,
    "properties": {**_SERVICE, "system": _SYSTEM},
}
_NOTHING_ELSE = {"propertyNames": {"enum": ["mac_to_bmc", "fqdn_to_bmc", *CONNECT_TIMEOUT]}}
"""Schema that forbids a login beside these keys: no BMC would use it."""


class RedfishPower:
    """Machines behind Redfish services: one service for each, or one for many.

    .. code-block:: yaml

        power_managements:
          - driver: redfish                 # each node has its own BMC, by MAC address or by name
            mac_to_bmc:
              52:54:00:f9:b8:f9: {url: https://10.30.0.2, username: admin, password: {env: BMC_PASSWORD}}
            fqdn_to_bmc:
              node-3.local:
                url: https://10.30.0.3
                username: admin
                password: {file: ~/.bmc}
                verify: ~/bmc-ca.pem
          - driver: redfish                 # one service has all machines, and finds them by their MAC addresses
            url: https://rack-1.local:8443
            username: admin
            password: {env: BMC_PASSWORD}
            verify: false
            connect_timeout: 5

    The controller needs ``pip install 'os-faults[redfish]'``; it logs in to the BMC, and the node may be off. A BMC
    that refuses HTTP basic authentication is given a session, which is closed at the end.

    A BMC with several systems needs the id of the node's system, as ``system``. One service for many finds a node by
    ``systems: {node-1.local: 437XR1138R2}``; the driver then knows no other nodes. Without ``systems`` it finds a node
    by its ``mac`` in ``node_list``, else by the MAC addresses that the node itself reports. The report of a node counts
    unless another node claims the same address; so it is in ``mac_to_bmc``.

    ``verify`` is ``true`` (when left out), ``false``, or the path of the trusted certificates. A URL with ``http`` is
    refused, as it sends the password in clear, unless ``insecure_http: true`` is beside it. ``connect_timeout`` is the
    number of seconds after which a silent BMC is a failure (20 when left out).

    Attributes:
        bmcs: the BMCs of the nodes, if each has its own.
        service: the one service for many; empty if each node has its own.
        systems: name of the node → id of its system in that service.
    """

    NAME: ClassVar[str] = "redfish"
    DESCRIPTION: ClassVar[str] = "Machines with a BMC that speaks Redfish"
    VERBS: ClassVar[frozenset[str]] = POWER_VERBS
    TOLD_BY: ClassVar[str] = f"systems, or {TOLD_BY}"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with url, username and password, or with mac_to_bmc or fqdn_to_bmc",
        "properties": {
            **_SERVICE,
            "systems": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": _SYSTEM,
                "description": "a mapping from node name to the identity of a system",
            },
            **mappings(_BMC),
            **CONNECT_TIMEOUT,
        },
        "anyOf": [{"required": _LOGIN}, {"required": ["mac_to_bmc"]}, {"required": ["fqdn_to_bmc"]}],
        "dependentSchemas": {"mac_to_bmc": _NOTHING_ELSE, "fqdn_to_bmc": _NOTHING_ELSE},
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        _refuse_http(args, where)
        self.bmcs = Bmcs(args)
        self.service = secured({key: args[key] for key in _SERVICE if key in args})
        self.systems: Mapping[str, str] = dict(args.get("systems", {}))
        self._more = connect_timeout(args)

    def supports(self, node: Node) -> bool:
        """Return whether the configuration has the BMC or the system of the node, or its MAC addresses can find it."""
        return self._configured(node) is not None

    def variables(self, node: Node) -> dict[str, Any]:
        """Return the login to the service of the node, and the system of the node there."""
        entry = self._configured(node) or {}
        verify = entry.get("verify", True)
        trust = {"verify": True, "ca_file": verify} if isinstance(verify, str) else {"verify": verify}
        about = {key: value for key, value in entry.items() if key != "insecure_http"}
        return {"driver": self.NAME, **about, **trust, **self._more}

    def place(self, variables: Mapping[str, Any]) -> tuple[str, str]:
        """Return the service and the system; without an id and a MAC address it is the only system."""
        macs = " or ".join(variables.get("macs", ()))
        which = variables.get("system") or (f"with {macs}" if macs else "")
        return f"the BMC at {str(variables['url']).lower().rstrip('/')}", f"the system {which}" if which else ""

    def _configured(self, node: Node) -> dict[str, Any] | None:
        if not self.service:
            return self.bmcs.of(node)
        if self.systems:
            system = self.systems.get(node.fqdn)
            return {**self.service, "system": system} if system else None
        macs = macs_of(node)
        return {**self.service, "macs": macs} if macs else None


def _refuse_http(args: Mapping[str, Any], where: str) -> None:
    """Refuse to send a password in clear without ``insecure_http``.

    Raises:
        ConfigError: the message has the path of the key.
    """
    own = {join(where, key, name): bmc for key in mappings({}) for name, bmc in args.get(key, {}).items()}
    for place, service in {where: args, **own}.items():
        if service.get("url", "").startswith("http:") and not service.get("insecure_http"):
            raise ConfigError(
                f"{join(place, 'url')}: over http the password goes in clear; use https, "
                "or write insecure_http: true beside it where nobody can listen"
            )
