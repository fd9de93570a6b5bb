"""The nouns of os_faults: frozen values without any I/O.

`Node` and `Auth` describe a host and how to log in to it, `Action` describes what is to be done,
`HostResult` and `Result` report what happened, `Fault` is one fault that a host holds.
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
