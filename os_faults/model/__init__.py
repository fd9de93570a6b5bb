"""The values of os_faults: frozen, without any I/O.

`Node` and `Auth` describe a host and its login, `Action` is a checked verb that has not run yet, `HostResult` and
`Result` report its effects, `Fault` is one fault that a host holds.
"""

from os_faults.model.action import Action
from os_faults.model.fault import Claim, Fault
from os_faults.model.node import (
    Auth,
    Interface,
    Jump,
    Node,
    host_name,
    plain_interface,
    plain_mac,
    plain_name,
)
from os_faults.model.result import Cost, HostResult, Record, Result, Status

__all__ = [
    "Action",
    "Auth",
    "Claim",
    "Cost",
    "Fault",
    "HostResult",
    "Interface",
    "Jump",
    "Node",
    "Record",
    "Result",
    "Status",
    "host_name",
    "plain_interface",
    "plain_mac",
    "plain_name",
]
