"""What a sentence means: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Holder:
    """A named thing that nodes have: a service or a container.

    Attributes:
        kind: ``service`` or ``container``.
        name: its name, as it was written.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Peer(Holder):
    """The other end of the traffic that a sentence is about.

    Attributes:
        direction: ``ingress`` for what comes from it, ``egress`` for what goes to it.
    """

    direction: str


@dataclass(frozen=True)
class Where:
    """Which nodes a sentence is about.

    Attributes:
        count: so many at random; None means all.
        names: these; empty means that no name was said.
        holder: only those that have this as well.
    """

    count: int | None = None
    names: tuple[str, ...] = ()
    holder: Holder | None = None


@dataclass(frozen=True)
class Meaning:
    """What a sentence means.

    Attributes:
        verb: the word of the contract.
        subject: what it is done to; None when it is done to the nodes themselves.
        where: on which nodes.
        options: of the playbook, as they were written; times are in seconds.
        peer: the other end, where the sentence names one.
    """

    verb: str
    subject: Holder | None = None
    where: Where = Where()
    options: Mapping[str, str | int] = field(default_factory=dict)
    peer: Peer | None = None
