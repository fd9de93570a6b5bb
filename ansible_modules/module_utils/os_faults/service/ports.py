"""The ports of this host at which a service is reached, and who is reached there too."""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, Mapping, NamedTuple

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import sockets
from ansible.module_utils.os_faults.service import resolve

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (an engine's words, nothing is bound)


class ToCut(NamedTuple):
    """The ports to cut off, and what a person should know of them."""

    ports: tuple[sockets.Port, ...]
    notes: list[str]


def of_service(service: resolve.Service, definition: Mapping[str, Any], name: str) -> ToCut:
    """Return the ports at which a service is reached: its own sockets, published ones, or known ones.

    Args:
        service: what it is made of on this host.
        definition: its entry; ``ports`` counts where it has no socket of its own.
        name: what to call it in a sentence.

    Raises:
        Refused: there is no port that could be cut.
    """
    inodes = sockets.inodes_of(service.pids)
    own = sockets.ports_of(inodes)
    if own:
        return ToCut(own, sockets.shared(own, inodes))
    forwarded = sockets.fewest(published(service.published))
    if forwarded:
        return ToCut(forwarded, [])
    if "container" in definition and has_own_network(service.pids):
        raise errors.Refused(f"the container of {name} publishes no port on this host, so there is nothing to unplug")
    unix_sockets = sockets.unix_sockets_of(inodes)
    if unix_sockets:
        front = definition.get("behind") or "the web server"
        raise errors.Refused(
            f"{name} listens on unix socket {unix_sockets[0]} only; unplug {front}, which is in front of it"
        )
    known = sockets.fewest(sockets.Port(str(port[0]), int(port[1])) for port in definition.get("ports") or [])
    if not known:
        raise errors.Refused(f"{name} listens on no port of this host, so there is nothing to unplug")
    return ToCut(known, sockets.shared(known, inodes))


def published(ports: Mapping[str, Any]) -> Iterator[sockets.Port]:
    """Yield the ports of the host that an engine forwards to a container.

    Args:
        ports: the engine's list, by port and protocol of the container (``80/tcp``).

    >>> [str(port) for port in published({"80/tcp": [{"HostIp": "10.0.0.1", "HostPort": "8080"}], "81/tcp": None})]
    ['tcp/8080 at 10.0.0.1']
    """
    for inside, outside in ports.items():
        protocol = inside.rpartition("/")[2]
        for each in outside or [] if protocol in ("tcp", "udp") else []:
            address, number = str(each.get("HostIp") or ""), str(each.get("HostPort") or "")
            if number.isdigit():
                yield sockets.Port(protocol, int(number), "" if address in _EVERYWHERE else address)


def refuse_egress(service: resolve.Service, name: str) -> None:
    """Refuse to cut what leaves a container with a network of its own: the rules of this host don't see it leave.

    Args:
        service: what it is made of on this host.
        name: what to call it in a sentence.

    Raises:
        Refused: with the way around.
    """
    if has_own_network(service.pids):
        raise errors.Refused(
            f"{name}: the container has a network of its own, so what leaves it can't be cut off on this "
            "host; cut off what arrives at the other end (ingress)"
        )


def has_own_network(pids: Iterable[int]) -> bool:
    """Return whether one of these processes is in another network namespace than this one."""
    here = _network("self")
    return any(_network(str(pid)) not in ("", here) for pid in pids)


def _network(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""
