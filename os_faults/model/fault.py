"""Faults that nodes hold."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from os_faults.system.text import printable, span


@dataclass(frozen=True)
class Claim:
    """A fault on a node that blocks other users, as the node reports it.

    Attributes:
        node: name of the node.
        by: owner of the fault, ``user@controller``.
        fault: the verb.
        subject: target of the fault.
        since: start of the fault, seconds since the epoch.
        until: end of the block, seconds since the epoch.
    """

    node: str
    by: str
    fault: str
    subject: str
    since: float
    until: float


@dataclass(frozen=True, repr=False)
class Fault:
    """A fault that a node holds now. The node reports it, or the controller's journal when the node can't.

    Attributes:
        node: name of the node.
        id: its id (``freeze-keystone`` on its node, ``poweroff-node-1``).
        verb: the verb that injected it.
        subject: its target.
        state: ``armed``, ``injected`` or ``undo_failed``; ``not in force`` when somebody else has ended what it did
            without ending it; ``held`` when the node is off or cut off.
        since: its start, in seconds since the epoch; the start time of an armed fault.
        until: its end, in seconds since the epoch; None when it does not end by itself.
        by: its owner, ``user@controller``.
        in_force_seconds: for how long it has been in force, as far as its node has looked; None when that is not known.
        detail: its record, on the node or in the journal.
    """

    node: str
    id: str
    verb: str
    subject: str
    state: str
    since: float
    until: float | None = None
    by: str = ""
    in_force_seconds: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Fault({self})"

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        end = f"ends in {span(self.left)}" if self.until is not None else "never ends by itself"
        owner = f", by {self.by}" if self.by else ""
        return printable(f"{self.node}: {self.id} {self.state} since {since}, {end}{owner}")

    @property
    def left(self) -> float | None:
        """The seconds until its end, not below 0; None when it does not end by itself."""
        return None if self.until is None else max(0.0, self.until - time.time())
