"""The management controllers (BMCs) of nodes, from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from os_faults.config import Secret
from os_faults.config.secrets import SECRET_KEYS
from os_faults.drivers.power import macs_of
from os_faults.errors import PowerManagementError
from os_faults.model import Node

TOLD_BY = "fqdn_to_bmc, or mac_to_bmc and the mac of each node in node_list"
"""The keys of a configuration for the BMC of a node."""


def mappings(bmc: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the keys ``mac_to_bmc`` and ``fqdn_to_bmc``, for the ``properties`` of a driver.

    Args:
        bmc: schema of one BMC.
    """
    return {
        "mac_to_bmc": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"$ref": "#/$defs/mac"},
            "additionalProperties": bmc,
            "description": "a mapping from MAC address to BMC",
        },
        "fqdn_to_bmc": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": bmc,
            "description": "a mapping from node name to BMC",
        },
    }


class Bmcs:
    """The BMCs of the two mappings.

    Args:
        args: the arguments of the driver.

    Attributes:
        by_mac: MAC address in lower case → BMC.
        by_fqdn: name of the node → BMC.

    Example:
        >>> Bmcs({"fqdn_to_bmc": {"node-1": {"address": "10.30.0.2"}}}).of(Node("node-1", "10.0.0.2"))
        {'address': '10.30.0.2'}
    """

    def __init__(self, args: Mapping[str, Any]) -> None:
        self.by_mac = {mac.lower(): bmc for mac, bmc in args.get("mac_to_bmc", {}).items()}
        self.by_fqdn = dict(args.get("fqdn_to_bmc", {}))

    def of(self, node: Node) -> dict[str, Any] | None:
        """Return the BMC of a node, with its passwords as `Secret`; None when the configuration has none.

        Raises:
            PowerManagementError: the MAC addresses of the node belong to several BMCs.
        """
        by_mac = {mac: self.by_mac[mac] for mac in macs_of(node) if mac in self.by_mac}
        bmc = next(iter(by_mac.values()), None) or self.by_fqdn.get(node.fqdn)
        if any(other != bmc for other in by_mac.values()):
            raise PowerManagementError(f"{node.fqdn} has the MAC addresses of several BMCs ({', '.join(by_mac)})")
        return secured(bmc) if bmc else None


def secured(bmc: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a BMC, with its passwords as `Secret`.

    Example:
        >>> secured({"username": "admin", "password": "canary"})
        {'username': 'admin', 'password': '********'}
    """
    return {key: Secret(value) if key in SECRET_KEYS else value for key, value in bmc.items()}
