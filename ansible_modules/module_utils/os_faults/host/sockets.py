"""Listening sockets of processes: TCP and UDP ports and unix sockets, read from ``/proc``.

It finds only sockets in the network namespace of this process, as the firewall of the host has no effect on others.
"""

from __future__ import annotations

import os
import re
from typing import Iterable

from ansible.module_utils.os_faults.host.files import read_text

_TCP_LISTEN = "0A"
_UDP_UNCONNECTED = "07"
_ACCEPTING = 0x10000
_SOCKET = re.compile(r"socket:\[(\d+)\]")


def inodes_of(pids: Iterable[int]) -> set[str]:
    """Return the inodes of all open sockets of the processes."""
    found = set()
    for pid in pids:
        directory = f"/proc/{pid:d}/fd"
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            try:
                match = _SOCKET.match(os.readlink(directory + "/" + name))
            except OSError:
                continue
            if match:
                found.add(match.group(1))
    return found


def listening_ports(table: str, state: str, inodes: set[str], skip: range = range(0)) -> set[int]:
    """Return the local ports of sockets in a state.

    Args:
        table: the text of ``/proc/net/tcp`` or a similar table.
        state: the state, as in its column.
        inodes: the inodes of the sockets.
        skip: ports to leave out.
    """
    ports = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == state and fields[9] in inodes:
            port = int(fields[1].rpartition(":")[2], 16)
            if port not in skip:
                ports.add(port)
    return ports


def listening_paths(table: str, inodes: set[str]) -> set[str]:
    """Return the paths of the listening unix sockets of ``inodes`` (``@name`` is an abstract one)."""
    paths = set()
    for line in table.splitlines()[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8 and int(fields[3], 16) & _ACCEPTING and fields[6] in inodes:
            paths.add(fields[7])
    return paths


def _ephemeral() -> range:
    first, _, last = read_text("/proc/sys/net/ipv4/ip_local_port_range").strip().partition("\t")
    return range(int(first), int(last) + 1) if last else range(0)


def ports_of(inodes: set[str]) -> tuple[tuple[str, int], ...]:
    """Return ``(protocol, port)`` of every port on which the sockets listen.

    UDP sockets do not listen; an unconnected one with a port outside the ephemeral range counts as listening.
    """
    found = set()
    for table in ("tcp", "tcp6"):
        found |= {("tcp", port) for port in listening_ports(read_text("/proc/net/" + table), _TCP_LISTEN, inodes)}
    skip = _ephemeral()
    for table in ("udp", "udp6"):
        ports = listening_ports(read_text("/proc/net/" + table), _UDP_UNCONNECTED, inodes, skip)
        found |= {("udp", port) for port in ports}
    return tuple(sorted(found))


def unix_sockets_of(inodes: set[str]) -> tuple[str, ...]:
    """Return the paths of the listening unix sockets."""
    return tuple(sorted(listening_paths(read_text("/proc/net/unix"), inodes)))
