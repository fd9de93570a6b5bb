"""Guard rails: what keeps an action from more nodes, or from other ones, than it may break.

Only rules. They hold for verbs that break something (`Action.breaks`). What reads, heals or takes a fault back is never
refused, nor are ad-hoc tasks, as nobody knows what they do.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType

from os_faults.errors import ArgumentError, did_you_mean
from os_faults.model import Action, Claim, Node

_LIMIT = re.compile(r"[1-9][0-9]{0,8}|(100|[1-9][0-9]?)%")
_GLOB = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Limit:
    """At most so many nodes, or such a share of those that have what is acted on.

    Attributes:
        text: ``3`` or ``50%``.
        by: who says so, for people.

    Raises:
        ArgumentError: the text is neither.

    Example:
        >>> Limit("50%", "the configuration").allows(5)
        2
    """

    text: str
    by: str

    def __post_init__(self) -> None:
        if not _LIMIT.fullmatch(self.text):
            raise ArgumentError(
                f"limit must be a number of nodes above 0 (3) or a share from 1% to 100% (50%), got: {self.text[:40]}"
            )

    def allows(self, among: int) -> int:
        """Return how many nodes may be acted on, of ``among`` that could be; a share is rounded down."""
        return among * int(self.text[:-1]) // 100 if self.text.endswith("%") else int(self.text)


@dataclass(frozen=True)
class Guards:
    """The guard rails of a cloud.

    Attributes:
        limits: the lowest binds.
        nodes: protected ones: names, short names, addresses, or patterns with ``*``, ``?`` and ``[…]``.
        services: protected ones: names or patterns.
    """

    limits: tuple[Limit, ...] = ()
    nodes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def refusals(
        self,
        action: Action,
        cloud: Iterable[Node],
        others: Iterable[Claim] = (),
        suspects: Mapping[str, Iterable[Node]] = MappingProxyType({}),
    ) -> list[str]:
        """Return why an action must not be done: a sentence for each guard rail that it hits, none when it may.

        Args:
            action: what is about to be done.
            cloud: every node that is known.
            others: by what somebody else keeps us away; an action that is forced does not heed it.
            suspects: name of a node that is acted on from outside → the other nodes whose machine is or may be its own.
        """
        if not action.breaks:
            return []
        cloud = list(cloud)
        among = action.among or len(cloud)
        return [
            *self._limited(action, among),
            *self._protected_nodes(action, cloud),
            *self._protected_machines(suspects),
            *self._protected_service(action),
            *([] if action.arguments.get("force") else _claimed(others)),
        ]

    def _limited(self, action: Action, among: int) -> Iterator[str]:
        limits = [*self.limits, *([Limit(str(action.limit), "this call")] if action.limit is not None else [])]
        if not limits:
            return
        lowest = min(limits, key=lambda limit: limit.allows(among))
        allowed = lowest.allows(among)
        if len(action.nodes) > allowed:
            share = f" of {_nodes(among)}" if lowest.text.endswith("%") else ""
            yield (
                f"it asks for {_nodes(len(action.nodes))}, and the limit {lowest.text}{share} of {lowest.by} "
                f"allows {allowed or 'none'}; choose fewer nodes, or raise the limit"
            )

    def _protected_nodes(self, action: Action, cloud: Iterable[Node]) -> Iterator[str]:
        known = {name for node in cloud for name in _names(node)}
        for pattern in self.nodes:
            hit = [node.fqdn for node in action.nodes if _matches(_names(node), pattern)]
            if hit:
                what = f"{' and '.join(hit)} {'is' if len(hit) == 1 else 'are'} protected"
                yield f"{what} by protected.nodes in the configuration ({pattern}); choose other nodes"
            elif pattern not in known and not is_pattern(pattern):
                hint = did_you_mean(pattern, {node.fqdn for node in cloud})
                yield f"protected.nodes in the configuration names {pattern!r}, which is no node of the cloud: {hint}"

    def _protected_machines(self, suspects: Mapping[str, Iterable[Node]]) -> Iterator[str]:
        for pattern in self.nodes:
            for name, others in suspects.items():
                for other in others:
                    if _matches(_names(other), pattern):
                        yield (
                            f"the machine of {name} is, or may be, that of {other.fqdn}, which is protected by "
                            f"protected.nodes in the configuration ({pattern}); say there which machine each has"
                        )

    def _protected_service(self, action: Action) -> Iterator[str]:
        """Containers are services too: of those with this name neither the one nor the other is acted on."""
        component = action.arguments.get("service") or action.arguments.get("container")
        for pattern in self.services:
            if component is not None and _matches([str(component)], pattern):
                yield f"{component} is protected by protected.services in the configuration ({pattern})"


def is_whole(action: Action, cloud: Iterable[Node]) -> bool:
    """Return whether an action breaks something on every node of a cloud that has more than one.

    A cloud of one node is exempt: whatever is done there is done to all of it.
    """
    names = {node.fqdn for node in cloud}
    return action.breaks and len(names) > 1 and names <= {node.fqdn for node in action.nodes}


def is_pattern(text: str) -> bool:
    """Return whether a text stands for many names.

    Example:
        >>> is_pattern("node-*"), is_pattern("node-1")
        (True, False)
    """
    return bool(_GLOB.search(text))


def _claimed(others: Iterable[Claim]) -> Iterator[str]:
    """Return a sentence for each other holder, about the fault of his that ends last."""
    last = {claim.by: claim for claim in sorted(others, key=lambda claim: claim.until)}
    for by, claim in sorted(last.items()):
        fault = f"{claim.fault} {claim.subject} on {claim.node}, since {_clock(claim.since)}"
        yield (
            f"{by} has faults in this cloud ({fault}), which keep others away until {_clock(claim.until)}; "
            "wait, heal, or go on all the same with force (--force)"
        )


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _names(node: Node) -> list[str]:
    """Return what a node can be called; a name is told apart from an address by its first letter."""
    short = [] if node.fqdn[0].isdigit() else [node.fqdn.partition(".")[0]]
    return [node.fqdn, *short, *node.addresses]


def _matches(names: Iterable[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
