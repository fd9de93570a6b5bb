"""Listening sockets of processes: TCP and UDP ports and unix sockets, read from ``/proc``.

It finds only sockets in the network namespace of this process, as the firewall of the host has no effect on others.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from typing import Iterable, NamedTuple

from ansible.module_utils.os_faults.host.files import read_text

_TCP_LISTEN = "0A"
_UDP_UNCONNECTED = "07"
_ACCEPTING = 0x10000
_MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv6 address begins that is an IPv4 one."""

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


class Port(NamedTuple):
    """A port of this host on which something listens."""

    protocol: str
    """``tcp`` or ``udp``."""
    number: int
    address: str = ""
    """Its only local address; empty for all addresses of the host."""

    @property
    def target(self) -> str:
        """Its line in ``targets``, for the scripts of a fault: ``port=tcp/5000/10.0.0.1``."""
        return "port=" + "/".join(filter(None, (self.protocol, str(self.number), self.address)))

    def covers(self, other: Port) -> bool:
        """Return whether a fault at this port also cuts the other port."""
        same = (self.protocol, self.number) == (other.protocol, other.number)
        return same and (not self.address or self.address == other.address)

    def __str__(self) -> str:
        """Return it for a message: ``tcp/5000``, ``tcp/5000 at 10.0.0.1``."""
        return f"{self.protocol}/{self.number:d}" + f" at {self.address}" * bool(self.address)


def address_of(text: str) -> str:
    """Return an address from the hexadecimal digits of ``/proc/net``; empty for the wildcard address.

    >>> address_of("0100007F"), address_of("00000000"), address_of("0000000000000000FFFF00000100007F")
    ('127.0.0.1', '', '127.0.0.1')
    """
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    if packed.startswith(_MAPPED) and len(packed) == 16:
        packed = packed[len(_MAPPED) :]
    if not any(packed):
        return ""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def sockets_in(table: str, protocol: str, state: str, skip: range = range(0)) -> dict[str, Port]:
    """Return the sockets in a state: inode → port.

    Args:
        table: the text of ``/proc/net/tcp`` or a similar table.
        protocol: ``tcp`` or ``udp``.
        state: the state, as in its column.
        skip: ports to leave out.
    """
    found = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == state:
            address, _, number = fields[1].rpartition(":")
            if int(number, 16) not in skip:
                found[fields[9]] = Port(protocol, int(number, 16), address_of(address))
    return found


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


def listening() -> dict[str, Port]:
    """Return all listening sockets of this host: inode → port.

    UDP sockets do not listen; an unconnected one with a port outside the ephemeral range counts as listening.
    """
    found: dict[str, Port] = {}
    for table in ("tcp", "tcp6"):
        found.update(sockets_in(read_text("/proc/net/" + table), "tcp", _TCP_LISTEN))
    skip = _ephemeral()
    for table in ("udp", "udp6"):
        found.update(sockets_in(read_text("/proc/net/" + table), "udp", _UDP_UNCONNECTED, skip))
    return found


def fewest(ports: Iterable[Port]) -> tuple[Port, ...]:
    """Return the ports that no other of them covers.

    >>> [str(port) for port in fewest([Port("tcp", 80, "10.0.0.1"), Port("tcp", 80), Port("tcp", 81, "::1")])]
    ['tcp/80', 'tcp/81 at ::1']
    """
    every = set(ports)
    return tuple(sorted(port for port in every if not any(one.covers(port) for one in every - {port})))


def ports_of(inodes: set[str]) -> tuple[Port, ...]:
    """Return the ports on which these sockets listen."""
    return fewest(port for inode, port in listening().items() if inode in inodes)


def shared(ports: Iterable[Port], inodes: set[str]) -> list[str]:
    """Return sentences about other processes that a fault at some ports cuts off.

    Args:
        ports: the ports.
        inodes: the sockets of the service itself.
    """
    cut = list(ports)
    found = {i: at for i, at in listening().items() if i not in inodes and any(one.covers(at) for one in cut)}
    told = set()
    for name in os.listdir("/proc") if found else ():
        for inode in inodes_of([int(name)]) & set(found) if name.isdigit() else ():
            told.add(f"{read_text(f'/proc/{name}/comm').strip() or 'a process'} is cut off too, on {found[inode]}")
    return sorted(told)


def unix_sockets_of(inodes: set[str]) -> tuple[str, ...]:
    """Return the paths of the listening unix sockets."""
    return tuple(sorted(listening_paths(read_text("/proc/net/unix"), inodes)))
