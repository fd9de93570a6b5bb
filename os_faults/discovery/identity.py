"""The identity of hosts: the report of a host counts for itself, and for no other host.

A host reports its own name and addresses, unless the configuration names it. A host that claims the name or the address
of another host is refused; the other host is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from os_faults.errors import CloudManagementError
from os_faults.model import HostResult, Node

Understand = Callable[[Mapping[str, HostResult], Iterable[Node]], tuple[Node, ...]]

#: The errors for an unusable answer, also those that drivers of other packages may raise.
_UNUSABLE = (CloudManagementError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)


def identify(
    understand: Understand, answers: Mapping[str, HostResult], seeds: Iterable[Node], remembered: Mapping[str, Node]
) -> tuple[tuple[Node, ...], dict[str, str]]:
    """Return the nodes with a credible identity, and the reasons why other seeds are refused.

    Args:
        understand: returns the nodes of some answers, as `os_faults.drivers.CloudDriver.nodes` does.
        answers: name of the seed → its answer.
        seeds: all asked seeds.
        remembered: name → node, from earlier sessions.

    Returns:
        The nodes in the order of the seeds; name of the seed → a sentence.
    """
    asked = {seed.fqdn: seed for seed in seeds}
    found: dict[str, Node] = {}
    refused: dict[str, str] = {}
    for name in (name for name in asked if name in answers):
        try:
            (found[name],) = understand({name: answers[name]}, (asked[name],))
        except _UNUSABLE as error:
            refused[name] = str(error)
    refused |= _impostors(found, asked, remembered)
    honest = {name: node for name, node in found.items() if name not in refused}
    refused |= _twins(honest, asked, understand, answers, remembered)
    theirs = {seed.ip for seed in asked.values()}
    return tuple(_without(node, theirs - {node.ip}) for name, node in found.items() if name not in refused), refused


def _impostors(found: Mapping[str, Node], asked: Mapping[str, Node], remembered: Mapping[str, Node]) -> dict[str, str]:
    """Return the seeds that claim another seed's name: a configured one, or the last known one of a silent seed."""
    refused: dict[str, str] = {}
    owners = {word: seed for seed in asked.values() for word in (seed.fqdn, seed.ip)}
    by_address = {node.ip: node for node in found.values()}
    seeds = {seed.ip for seed in asked.values()}
    for name, node in found.items():
        owner = owners.get(node.fqdn)
        if owner is not None and owner.ip != node.ip:
            refused[name] = f"{node.ip} calls itself {node.fqdn}, which is another node of the cloud"
        before = remembered.get(node.fqdn)
        if before is not None and before.ip != node.ip and before.ip in seeds - by_address.keys():
            refused[name] = (
                f"{node.ip} calls itself {node.fqdn}, which was the name of {before.ip}, last seen {before.last_seen}; "
                "if that is right, give the nodes their names in the configuration (node_discover)"
            )
    return refused


def _twins(
    found: Mapping[str, Node],
    asked: Mapping[str, Node],
    understand: Understand,
    answers: Mapping[str, HostResult],
    remembered: Mapping[str, Node],
) -> dict[str, str]:
    """Return the seeds that share a name, except the one that had it before."""
    by_name: dict[str, list[str]] = {}
    for seed, node in found.items():
        by_name.setdefault(node.fqdn, []).append(seed)
    refused: dict[str, str] = {}
    for name, sharing in by_name.items():
        if len(sharing) == 1:
            continue
        before = remembered.get(name)
        rightful = [seed for seed in sharing if before is not None and found[seed].ip == before.ip]
        why = _why(name, [found[seed] for seed in sharing[:2]])
        try:  # the driver may have a better reason: both seeds are one host
            understand({seed: answers[seed] for seed in sharing[:2]}, [asked[seed] for seed in sharing[:2]])
        except _UNUSABLE as error:
            why = str(error)
        refused |= {seed: why for seed in sharing if seed not in rightful}
    return refused


def _why(name: str, nodes: Iterable[Node]) -> str:
    return f"{' and '.join(node.ip for node in nodes)} both call themselves {name}; give each host a name of its own"


def _without(node: Node, theirs: Iterable[str]) -> Node:
    """Return a node without the addresses of other nodes: a fault on those addresses would hit the others."""
    theirs = set(theirs)
    interfaces = tuple(
        replace(nic, addresses=tuple(address for address in nic.addresses if address not in theirs))
        for nic in node.interfaces
    )
    return node if interfaces == node.interfaces else replace(node, interfaces=interfaces)
