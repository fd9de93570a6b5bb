"""The meaning of a sentence: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Holder:
    """A service or container by name.

    Attributes:
        kind: ``service`` or ``container``.
        name: its name, as written.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Peer(Holder):
    """The other end of the traffic of a sentence.

    Attributes:
        direction: ``ingress`` for traffic from it, ``egress`` for traffic to it.
    """

    direction: str


@dataclass(frozen=True)
class Where:
    """The nodes of a sentence.

    Attributes:
        count: number of random nodes; None means all.
        names: names of nodes; empty if the sentence has none.
        holder: only nodes that also have this service or container.
    """

    count: int | None = None
    names: tuple[str, ...] = ()
    holder: Holder | None = None


@dataclass(frozen=True)
class Meaning:
    """The meaning of a sentence.

    Attributes:
        verb: the verb of the contract.
        subject: the service or container; None for a verb of nodes.
        where: the nodes.
        options: options of the playbook, as written; times are in seconds.
        peer: the other end of the traffic, if the sentence names one.
    """

    verb: str
    subject: Holder | None = None
    where: Where = Where()
    options: Mapping[str, str | int] = field(default_factory=dict)
    peer: Peer | None = None
