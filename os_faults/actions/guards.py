"""Guard rails: limits of the number of nodes, protected nodes and services, faults of other users.

They apply to verbs that break something (`Action.breaks`). Verbs that read, heal or undo are never refused, nor are
ad-hoc tasks, as their effect is not known.
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
    """The most nodes that an action may break: a number, or a share of the nodes with its subject.

    Attributes:
        text: ``3`` or ``50%``.
        by: the origin of the limit, for people.

    Raises:
        ArgumentError: the text is neither a number nor a share.

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
        """Return how many of ``among`` nodes an action may break; a share is rounded down."""
        return among * int(self.text[:-1]) // 100 if self.text.endswith("%") else int(self.text)


@dataclass(frozen=True)
class Guards:
    """The guard rails of a cloud.

    Attributes:
        limits: the limits; the lowest binds.
        nodes: protected nodes: names, short names, addresses, or patterns with ``*``, ``?`` and ``[…]``.
        services: protected services: names or patterns.
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
        """Return a sentence for each guard rail that forbids an action; none when it is allowed.

        Args:
            action: the action.
            cloud: every known node.
            others: the faults of other users that block us; ignored with ``force``.
            suspects: for an action from outside, name of a node → the other nodes that have, or may have, its machine.
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
        """Refuse a protected service or container; a protected name counts for both."""
        component = action.arguments.get("service") or action.arguments.get("container")
        for pattern in self.services:
            if component is not None and _matches([str(component)], pattern):
                yield f"{component} is protected by protected.services in the configuration ({pattern})"


def is_whole(action: Action, cloud: Iterable[Node]) -> bool:
    """Return whether an action breaks something on every node of a cloud that has more than one.

    A cloud of one node is exempt: every action there is on the whole cloud.
    """
    names = {node.fqdn for node in cloud}
    return action.breaks and len(names) > 1 and names <= {node.fqdn for node in action.nodes}


def is_pattern(text: str) -> bool:
    """Return whether a text is a pattern for many names.

    Example:
        >>> is_pattern("node-*"), is_pattern("node-1")
        (True, False)
    """
    return bool(_GLOB.search(text))


def _claimed(others: Iterable[Claim]) -> Iterator[str]:
    """Return a sentence for each other user, about the user's fault that ends last."""
    last = {claim.by: claim for claim in sorted(others, key=lambda claim: claim.until)}
    for by, claim in sorted(last.items()):
        fault = f"{claim.fault} {claim.subject} on {claim.node}, since {_clock(claim.since)}"
        yield (
            f"{by} has faults in this cloud ({fault}), which block other users until {_clock(claim.until)}; "
            "wait, heal, or continue with force (--force)"
        )


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _names(node: Node) -> list[str]:
    """Return the names and addresses of a node; a first digit marks an address, which has no short name."""
    short = [] if node.fqdn[0].isdigit() else [node.fqdn.partition(".")[0]]
    return [node.fqdn, *short, *node.addresses]


def _matches(names: Iterable[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
