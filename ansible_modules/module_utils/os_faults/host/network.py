"""The network of this host: interfaces, addresses, default route, full name."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from typing import Any, Callable

from ansible.module_utils.os_faults.host.files import read_text

Run = Callable[..., "tuple[int, str, str]"]

_RTF_UP = 0x1

SBIN_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
"""Path to search for ``ip``: the PATH of users who are not root often has no sbin."""


def interfaces(run: Run) -> list[dict[str, Any]]:
    """Return all interfaces except loopback, with ``name``, ``mac`` (None without one) and ``addresses``."""
    command = shutil.which("ip", path=SBIN_PATH)
    code, out, _err = run([command, "-json", "address"]) if command else (127, "", "")
    return parse_ip(out) if code == 0 else from_kernel("/sys/class/net")


def parse_ip(text: str) -> list[dict[str, Any]]:
    """Parse ``ip -json address``."""
    return [
        {
            "name": link["ifname"],
            "mac": link.get("address") if link.get("link_type") == "ether" else None,
            "addresses": [each["local"] for each in link.get("addr_info", []) if "local" in each],
        }
        for link in json.loads(text)
        if link.get("ifname") and link.get("link_type") != "loopback"
    ]


def from_kernel(directory: str) -> list[dict[str, Any]]:
    """Return `interfaces` from ``/sys`` and ``/proc``, for hosts without iproute2; only the first IPv4 address."""
    addresses = ipv6_addresses(read_text("/proc/net/if_inet6"))
    found = []
    for name in sorted(os.listdir(directory)):
        kind = read_text(os.path.join(directory, name, "type")).strip()
        if kind in ("", "772"):
            continue
        mac = read_text(os.path.join(directory, name, "address")).strip()
        ipv4 = _ipv4_of(name)
        own = ([ipv4] if ipv4 else []) + addresses.get(name, [])
        found.append({"name": name, "mac": mac if kind == "1" and mac else None, "addresses": own})
    return found


def ipv6_addresses(table: str) -> dict[str, list[str]]:
    """Parse ``/proc/net/if_inet6``: interface → its addresses."""
    found: dict[str, list[str]] = {}
    for line in table.splitlines():
        fields = line.split()
        if len(fields) == 6:
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[0]))
            found.setdefault(fields[5], []).append(address)
    return found


def _ipv4_of(name: str) -> str | None:
    import fcntl
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, 0x8915, struct.pack("256s", name.encode()[:15]))  # SIOCGIFADDR
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def reachable_addresses(links: list[dict[str, Any]]) -> list[str]:
    """Return all addresses except loopback and link-local ones."""
    skip = ("127.", "169.254.", "fe80:", "::1")
    return [each for link in links for each in link["addresses"] if not each.startswith(skip)]


def default_interface(ipv4: str, ipv6: str) -> str | None:
    """Return the interface of the default route with the lowest metric, IPv4 before IPv6.

    Args:
        ipv4: the text of ``/proc/net/route``.
        ipv6: the text of ``/proc/net/ipv6_route``.
    """
    routes = []
    for line in ipv4.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == "00000000" and fields[7] == "00000000" and int(fields[3], 16) & _RTF_UP:
            routes.append((0, int(fields[6]), fields[0]))
    for line in ipv6.splitlines():
        fields = line.split()
        if len(fields) > 9 and fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo":
            routes.append((1, int(fields[5], 16), fields[9]))
    return min(routes)[2] if routes else None


def own_default_interface() -> str | None:
    """Return the default interface of this host."""
    return default_interface(read_text("/proc/net/route"), read_text("/proc/net/ipv6_route"))


def fqdn(hostname: str, patience: float = 1.0) -> str:
    """Return the full name of this host, or its short name if the resolver has no other within ``patience`` seconds.

    The resolver runs in a thread, as an unreachable name server would delay it by many seconds.
    """
    if "." in hostname:
        return hostname
    answers: list[str] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
        except OSError:
            return
        answers.extend(each[3] for each in found if each[3])

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(patience)
    full = next((name for name in answers if "." in name), hostname)
    return hostname if full.startswith("localhost") else full
