"""The plan of an action: its effects and its obstacles; nothing is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from os_faults.actions.contract import AT
from os_faults.model import Action, Fault, Result


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
        told: node → its sentences on what goes with it: who shares ports that are cut, what systemd stops too.
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
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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


def tried(action: Action) -> Action:
    """Return the action in check mode, at once: the nodes look what they would do, and do nothing."""
    arguments = {name: value for name, value in action.arguments.items() if name != AT.name}
    return replace(action, check_mode=True, arguments=arguments)


def told_by(result: Result) -> dict[str, tuple[str, ...]]:
    """Return what nodes tell of an action in check mode: node → notes, or the reason why it can't be done there."""
    said = {name: tuple(host.payload.get("notes", ())) if host.ok else (host.message,) for name, host in result.items()}
    return {name: sentences for name, sentences in said.items() if sentences}
