"""The plan of an action: its effects and its obstacles; nothing is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from os_faults.model import Action, Fault


@dataclass(frozen=True)
class Preview:
    """The plan of an action.

    Attributes:
        action: the action; ``action.nodes`` are its nodes, ``action.undo`` is its undo verb.
        directory: directory of the prepared run.
        command: the command line of the run.
        seconds: seconds after which the nodes undo it themselves; None when they don't, or nothing is left to undo.
        refusals: a sentence for each guard rail that forbids it.
        conflicts: the present faults that it would meet: on the same node, with the same target.
        unasked: nodes that could not be asked for their faults.
        whole_cloud: whether it breaks something on every node, so that the command line asks for ``--yes``.
    """

    action: Action
    directory: Path
    command: list[str]
    seconds: int | None
    refusals: tuple[str, ...]
    conflicts: tuple[Fault, ...]
    unasked: tuple[str, ...]
    whole_cloud: bool


def conflicts(action: Action, faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the faults that an action would meet: those on its nodes with the same target.

    An action on a whole node (a reboot, power) meets every fault on it.
    """
    names = {node.fqdn for node in action.nodes}
    subject = action.hits or action.arguments.get("service")
    whole = action.from_outside or (action.undo is None and not subject)

    def meets(fault: Fault) -> bool:
        return whole or (fault.subject == subject if subject else fault.verb == action.verb)

    return tuple(fault for fault in faults if action.breaks and fault.node in names and meets(fault))
