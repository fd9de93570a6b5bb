"""An action: a verb with its nodes and its checked arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from os_faults.errors import OSFError
from os_faults.model.node import Node

_END = 60.0
"""Seconds between the end of a host's patience with one task and the deadline of the run; a quarter of it at most."""


@dataclass(frozen=True)
class Action:
    """One verb on one subject, for one playbook run.

    Attributes:
        verb: the verb, as in the contract's choices (``restart``).
        playbook: file name of the bundled playbook (``service_state.yml``), or "" for ad-hoc tasks.
        nodes: the nodes that it acts on; never empty.
        arguments: the playbook's options, as extra variables.
        subject: the object of the verb, for people: ``keystone service`` or ``nodes``.
        tasks: for an ad-hoc action, Ansible tasks as data.
        harmless: whether it only reads, or heals.
        undo: the verb that undoes it; None when it leaves nothing to undo.
        from_outside: whether it acts on the machines of the nodes, which may be off.
        breaks_connections: whether an open ssh connection may be dead afterwards.
        hits: the target of its fault, as the nodes report it (`Fault.subject`); "" when a node can have only one fault
            of the verb.
        timeout: seconds until the run is stopped.
        breaks: whether it breaks something, so that guard rails apply.
        among: number of nodes that it could act on: those that have the service; 0 means all nodes of the cloud.
        limit: limit of this call, a number of nodes or a share (``50%``); None for no limit.
        check_mode: run with ``--check``: nothing is changed on any host.
        parts: for a merged action, its actions in order; it has neither playbook nor tasks then.
        family: the class of errors that its failure belongs to as well; None for no such class.
        known: variables of the run that are the same for all nodes; the playbook would compute them for each node.
    """

    verb: str
    playbook: str
    nodes: tuple[Node, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    subject: str = "nodes"
    tasks: tuple[Mapping[str, Any], ...] = ()
    harmless: bool = False
    undo: str | None = None
    from_outside: bool = False
    breaks_connections: bool = False
    hits: str = ""
    timeout: float = 600.0
    breaks: bool = False
    among: int = 0
    limit: int | str | None = None
    check_mode: bool = False
    parts: tuple[Action, ...] = ()
    family: type[OSFError] | None = None
    known: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def variables(self) -> dict[str, Any]:
        """All extra variables of a playbook's run, with the seconds that a host may spend on one task."""
        patience = (
            {"os_faults_patience": max(1, round(self.timeout - min(_END, self.timeout / 4)))} if self.playbook else {}
        )
        return {**patience, **self.known, **self.arguments}

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"

    def play(self) -> dict[str, Any]:
        """Return the play of an ad-hoc action, as data."""
        return {
            "name": str(self),
            "hosts": "all",
            "gather_facts": False,
            "tasks": [dict(task) for task in self.tasks],
        }
