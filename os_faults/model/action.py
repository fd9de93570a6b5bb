"""What is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from os_faults.model.node import Node

_END = 60.0
"""Seconds of a run's deadline that are left, a quarter at most, when a host has been at one task for too long."""


@dataclass(frozen=True)
class Action:
    """One verb on one subject: what a single playbook run does.

    Attributes:
        verb: the word, as in the contract's choices (``restart``).
        playbook: file name of the bundled playbook (``service_state.yml``), or "" for ad-hoc tasks.
        nodes: whom it is done to; never empty.
        arguments: the playbook's options, as extra variables.
        subject: what it is done to, for people: ``keystone service`` or ``nodes``.
        tasks: for an ad-hoc action, Ansible tasks as data.
        harmless: whether it only reads, or heals.
        undo: the verb that takes back what it leaves; None when it leaves nothing.
        from_outside: whether it is done to the machines of the nodes, which may be off.
        breaks_connections: whether a kept ssh connection may lead to a host that is gone afterwards.
        hits: what the fault that it leaves is done to, as the nodes tell it (`Fault.subject`); "" when a node can have
            one of the verb only.
        timeout: seconds until the run is stopped.
        breaks: whether it breaks something, so that guard rails hold for it.
        among: how many nodes it could be done to: those that have the service; 0 means all nodes of the cloud.
        limit: what this call limits it to, a number of nodes or a share (``50%``); None when it says nothing.
        check_mode: run with ``--check``: nothing is changed on any host.
        parts: several actions that this one is, in order; it has neither playbook nor tasks then.
        known: variables of the run that the playbook would work out for each node anew, though they are the same for
            all.
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
    known: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def variables(self) -> dict[str, Any]:
        """All extra variables of the run of a playbook; with them, for how many seconds a host may be at one task."""
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
