"""A set of nodes: set algebra, and the choice of some of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Protocol, Self, overload

from os_faults.errors import NodeCollectionError
from os_faults.model import Node
from os_faults.system.text import as_counted


class Chooser(Protocol):
    """The part of a cloud that a set of nodes needs for random choices.

    Attributes:
        rng: the source of randomness, seeded by ``connect(seed=)``.
    """

    rng: random.Random


class NodeSet(Set[Node]):
    """Nodes of one cloud, ordered by name; ``node-2`` comes before ``node-10``.

    Args:
        nodes: in any order.
        performer: their cloud.
    """

    def __init__(self, nodes: Iterable[Node], performer: Chooser) -> None:
        self._nodes = tuple(sorted(set(nodes), key=lambda node: (as_counted(node.fqdn), as_counted(node.ip))))
        self._performer = performer

    # -- set algebra --------------------------------------------------------------------------

    def __contains__(self, node: object) -> bool:
        return node in self._nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(node.fqdn for node in self._nodes)})"

    @overload
    def __getitem__(self, key: int) -> Node: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> Node | Self:
        """Return the node at a position, or the collection of a slice."""
        return self._of(self._nodes[key]) if isinstance(key, slice) else self._nodes[key]

    def __and__(self, other: object) -> Self:
        return self._of(node for node in self if node in self._same_cloud(other))

    def __or__(self, other: object) -> Self:
        return self._of([*self, *self._same_cloud(other)])

    def __sub__(self, other: object) -> Self:
        return self._of(node for node in self if node not in self._same_cloud(other))

    def __xor__(self, other: object) -> Self:
        return (self | other) - (self & other)

    __add__ = __or__
    # These refuse anything but a node collection, on either side.
    __rand__, __ror__, __rsub__, __rxor__ = __and__, __or__, __sub__, __xor__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeSet) and self._nodes == other._nodes

    def __hash__(self) -> int:
        return hash(self._nodes)

    def _of(self, nodes: Iterable[Node]) -> Self:
        return type(self)(nodes, self._performer)

    def _same_cloud(self, other: object) -> Self:
        if not isinstance(other, type(self)):
            raise TypeError(f"a node collection combines with a node collection, not with {type(other).__name__}")
        if other._performer is not self._performer:
            raise NodeCollectionError("node collections of two different clouds can't be combined")
        return other

    # -- choosing -----------------------------------------------------------------------------

    @property
    def hosts(self) -> list[Node]:
        """The nodes as a list, ordered by name."""
        return list(self._nodes)

    def get_ips(self) -> list[str]:
        """Return the nodes' addresses, ordered by node name."""
        return [node.ip for node in self]

    def get_macs(self) -> list[str | None]:
        """Return the nodes' MAC addresses, ordered by node name; None for an unknown address."""
        return [node.mac for node in self]

    def get_fqdns(self) -> list[str]:
        """Return the nodes' full names, ordered."""
        return [node.fqdn for node in self]

    def pick(self, count: int = 1) -> Self:
        """Return ``count`` nodes, chosen at random with the seed of the connection.

        Raises:
            NodeCollectionError: the collection has fewer nodes, or ``count`` is below 1.
        """
        if count not in range(1, len(self) + 1):
            raise NodeCollectionError(f"can't pick {count} of {len(self)} nodes")
        return self._of(self._performer.rng.sample(self._nodes, count))

    def filter(self, predicate: Callable[[Node], bool] | None = None, *, role: str | None = None) -> Self:
        """Return the nodes for which ``predicate`` is true, of those that have ``role``.

        Args:
            predicate: returns whether to keep a node; all nodes are kept when None.
            role: the node's role in the cloud; only some clouds (``fuel``) report roles.

        Raises:
            NodeCollectionError: no node fits.

        Example:
            >>> cloud.get_nodes().filter(role="controller")  # doctest: +SKIP
        """
        having = [node for node in self if role is None or role in node.roles]
        if not having:
            roles = sorted({role for node in self for role in node.roles})
            known = f"they have: {', '.join(roles)}" if roles else "this cloud reports no roles"
            raise NodeCollectionError(f"none of the {len(self)} nodes has the role {role!r}; {known}")
        chosen = [node for node in having if predicate is None or predicate(node)]
        if not chosen:
            raise NodeCollectionError(f"none of the {len(having)} nodes fits the filter")
        return self._of(chosen)
