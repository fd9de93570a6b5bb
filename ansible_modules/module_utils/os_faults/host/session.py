"""The ssh session of this module, and the parts of the host that it depends on.

A fault that cuts the session must be known before. A wrong "yes" costs only one check by the controller afterwards, so
doubtful cases are a "yes".
"""

from __future__ import annotations

import os
from typing import Iterable, NamedTuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults.host import proc


class Connection(NamedTuple):
    """The two ends of an ssh connection, from ``SSH_CONNECTION``."""

    client: str
    server: str
    port: int


def parse_connection(value: str) -> Connection | None:
    """Parse ``SSH_CONNECTION``: client address, client port, server address, server port.

    >>> parse_connection("10.0.0.9 40000 10.0.0.1 22")
    Connection(client='10.0.0.9', server='10.0.0.1', port=22)
    """
    words = value.split()
    if len(words) != 4 or not words[3].isdigit():
        return None
    return Connection(words[0].partition("%")[0], words[2].partition("%")[0], int(words[3]))


def connection() -> Connection | None:
    """Return the ssh connection of this process; None if there is none.

    sudo drops the variable, so the environment of the parents is read as well.
    """
    found = parse_connection(os.environ.get("SSH_CONNECTION", ""))
    for pid in proc.ancestors():
        if found:
            break
        found = parse_connection(_environment(pid).get("SSH_CONNECTION", ""))
    return found


def spared() -> list[int]:
    """Return the pids that a fault must never stop: this process and its ssh session.

    The listening sshd is an ancestor too, but it is a service like any other and may be frozen.
    """
    pids = proc.ancestors()
    if pids and _parent(pids[-1]) == 1 and _command(pids[-1]) == "sshd":
        pids.pop()
    return pids


def carried_by_pids(pids: Iterable[int]) -> bool:
    """Return whether a new ssh session needs one of these processes."""
    return connection() is not None and bool(set(pids) & set(proc.ancestors()))


def carried_by_ports(ports: Iterable[tuple[str, int]]) -> bool:
    """Return whether the ssh session uses one of these ports."""
    here = connection()
    return here is not None and ("tcp", here.port) in {(str(proto), int(port)) for proto, port in ports}


def carried_by_interface(module: AnsibleModule, interface: str) -> bool:
    """Return whether the ssh session uses this interface, or one that is built on it."""
    here = connection()
    if here is None:
        return False
    carriers = {_interface_of_address(module, here.server), _interface_of_route(module, here.client)} - {""}
    if not carriers or carriers & {"lo"}:
        return interface in carriers
    for carrier in sorted(carriers):
        carriers |= _below(carrier)
    return interface in carriers or bool(_switch(interface) and any(_switch(one) for one in carriers))


def _below(interface: str) -> set[str]:
    """Return the interfaces below an interface: ports of a bridge, links of a bond, the parent of a VLAN."""
    found: set[str] = set()
    todo = [interface]
    while todo:
        try:
            names = os.listdir("/sys/class/net/" + todo.pop())
        except OSError:
            continue
        lower = {name[len("lower_") :] for name in names if name.startswith("lower_")} - found
        found |= lower
        todo.extend(lower)
    return found


def _switch(interface: str) -> bool:
    """Return whether an interface is a port of Open vSwitch; the kernel does not show which ports belong together."""
    return os.path.exists(f"/sys/class/net/{interface}/upper_ovs-system")


def _interface_of_address(module: AnsibleModule, address: str) -> str:
    for line in module.run_command(["ip", "-o", "addr", "show"])[1].splitlines():
        words = line.split()
        if len(words) > 3 and words[3].partition("/")[0] == address:
            return words[1].partition("@")[0]
    return ""


def _interface_of_route(module: AnsibleModule, address: str) -> str:
    words = module.run_command(["ip", "-o", "route", "get", address])[1].split()
    return words[words.index("dev") + 1] if "dev" in words[:-1] else ""


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid:d}/stat", encoding="utf-8", errors="replace") as stream:
            return int(stream.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid:d}/comm", encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def _environment(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid:d}/environ", "rb") as stream:
            pairs = stream.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
