"""Faults that nodes hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Claim:
    """A fault by which somebody keeps others away from a node, as the node tells it.

    Attributes:
        node: name of the node.
        by: who made the fault, ``user@controller``.
        fault: the verb.
        subject: what it was done to.
        since: when it began, seconds since the epoch.
        until: until when it keeps others away, likewise.
    """

    node: str
    by: str
    fault: str
    subject: str
    since: float
    until: float


@dataclass(frozen=True)
class Fault:
    """A fault that a node holds at this moment, as the node itself tells, or the controller's journal where it can't.

    Attributes:
        node: name of the node.
        id: its identity (``freeze-keystone`` on its node, ``poweroff-node-1``).
        verb: the verb that made it.
        subject: what it was done to.
        state: ``armed``, ``injected`` or ``undo_failed``; ``held`` when the node is off or cut off.
        since: when it began, or begins when it is armed, seconds since the epoch.
        until: when it ends by itself, seconds since the epoch; None when it has no end.
        by: who made it, ``user@controller``.
        detail: the record as the node or the journal keeps it.
    """

    node: str
    id: str
    verb: str
    subject: str
    state: str
    since: float
    until: float | None = None
    by: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
