"""Machines with a baseboard management controller (BMC) that speaks IPMI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.power import CONNECT_TIMEOUT, POWER_VERBS, connect_timeout
from os_faults.drivers.power.bmc import TOLD_BY, Bmcs, mappings
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
    """Machines with a BMC for each node, by the node's MAC address or by its name.

    .. code-block:: yaml

        power_management:
          driver: ipmi
          mac_to_bmc:
            52:54:00:f9:b8:f9: {address: 10.30.0.2, username: admin, password: {env: BMC_PASSWORD}}
          fqdn_to_bmc:
            node-3.local: {address: 10.30.0.3, username: admin, password: {file: ~/.bmc}}
          connect_timeout: 5

    A node's BMC is found by the node's ``mac`` in ``node_list``, else by its name, else by a MAC address that the node
    itself reports; upper and lower case are equal. The report of a node counts unless another node claims the same
    address. A BMC may also have a ``port`` (623 when left out), a ``privilege`` (``administrator`` when left out;
    ``operator`` suffices), and its own key ``kg``. The controller logs in to the BMC; the node may be off.
    ``connect_timeout`` is the number of seconds after which a silent BMC is a failure (20 when left out). virtualbmc
    can't be used, as it speaks SHA1 only and pyghmi asks for SHA256; its domains have the driver libvirt.

    Attributes:
        bmcs: the BMCs of the nodes.
    """

    NAME: ClassVar[str] = "ipmi"
    DESCRIPTION: ClassVar[str] = "Machines with a BMC that speaks IPMI"
    VERBS: ClassVar[frozenset[str]] = POWER_VERBS
    TOLD_BY: ClassVar[str] = TOLD_BY
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with mac_to_bmc or fqdn_to_bmc, or both",
        "properties": {**mappings(_BMC), **CONNECT_TIMEOUT},
        "anyOf": [{"required": ["mac_to_bmc"]}, {"required": ["fqdn_to_bmc"]}],
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self.bmcs = Bmcs(args)
        self._more = connect_timeout(args)

    def supports(self, node: Node) -> bool:
        """Return whether the configuration has the BMC of the node."""
        return self.bmcs.of(node) is not None

    def variables(self, node: Node) -> dict[str, Any]:
        """Return the login to the BMC of the node."""
        return {"driver": self.NAME, **(self.bmcs.of(node) or {}), **self._more}

    def place(self, variables: Mapping[str, Any]) -> tuple[str, str]:
        """Return the BMC; it has only one machine."""
        address, port = str(variables["address"]).lower(), variables.get("port", 623)
        return f"the BMC at {f'[{address}]' if ':' in address else address}:{port}", ""
