"""Machines with a baseboard management controller (BMC) that speaks IPMI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import Secret, check
from os_faults.config.secrets import SECRET_KEYS
from os_faults.drivers.power import POWER_VERBS
from os_faults.model import Node

_BMC = {
    "type": "object",
    "additionalProperties": False,
    "required": ["address", "username", "password"],
    "properties": {
        "address": {"$ref": "#/$defs/address"},
        "username": {"$ref": "#/$defs/user"},
        "password": {"$ref": "#/$defs/secret"},
        "port": {"$ref": "#/$defs/tcp_port"},
        "privilege": {"enum": ["operator", "administrator"]},
        "kg": {"$ref": "#/$defs/secret"},
    },
}


class IpmiPower:
    """Machines whose BMC is told by the node's MAC address, or by its name.

    .. code-block:: yaml

        power_management:
          driver: ipmi
          mac_to_bmc:
            52:54:00:f9:b8:f9: {address: 10.30.0.2, username: admin, password: {env: BMC_PASSWORD}}
          fqdn_to_bmc:
            node-3.local: {address: 10.30.0.3, username: admin, password: {file: ~/.bmc}}

    The MAC addresses of all the node's interfaces are asked first, in any case. A BMC may also have a ``port``
    (623 when left out), a ``privilege`` to ask for (``administrator`` when left out; ``operator`` suffices), and its
    own key ``kg``. The controller logs in to the BMC; the node may be off.

    Attributes:
        mac_to_bmc: MAC address in lower case → BMC.
        fqdn_to_bmc: name of the node → BMC.
    """

    NAME: ClassVar[str] = "ipmi"
    DESCRIPTION: ClassVar[str] = "Machines with a BMC that speaks IPMI"
    VERBS: ClassVar[frozenset[str]] = POWER_VERBS
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with mac_to_bmc or fqdn_to_bmc, or both",
        "properties": {
            "mac_to_bmc": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"$ref": "#/$defs/mac"},
                "additionalProperties": _BMC,
                "description": "a mapping from MAC address to BMC",
            },
            "fqdn_to_bmc": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": _BMC,
                "description": "a mapping from node name to BMC",
            },
        },
        "anyOf": [{"required": ["mac_to_bmc"]}, {"required": ["fqdn_to_bmc"]}],
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self.mac_to_bmc = {mac.lower(): bmc for mac, bmc in args.get("mac_to_bmc", {}).items()}
        self.fqdn_to_bmc = dict(args.get("fqdn_to_bmc", {}))

    def supports(self, node: Node) -> bool:
        """Return whether the BMC of the node is told."""
        return self._bmc(node) is not None

    def variables(self, node: Node) -> dict[str, Any]:
        """Return how to log in to the BMC of the node."""
        bmc = self._bmc(node) or {}
        secrets = {key: Secret(value) for key, value in bmc.items() if key in SECRET_KEYS}
        return {"driver": self.NAME, **bmc, **secrets}

    def _bmc(self, node: Node) -> Mapping[str, Any] | None:
        macs = [node.mac, *(interface.mac for interface in node.interfaces)]
        by_mac = (self.mac_to_bmc[mac] for mac in macs if mac in self.mac_to_bmc)
        return next(by_mac, None) or self.fqdn_to_bmc.get(node.fqdn)
