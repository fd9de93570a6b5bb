"""Rollback: undo the effects of an interrupted action, and no older fault."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from os_faults import actions
from os_faults.faults.interruption import end_of_fault
from os_faults.model import Action, HostResult, Node, Result, Status

LOG = logging.getLogger(__name__)

#: Seconds by which the report of a host may lag behind the controller's count.
_SLACK = 5.0

#: The module of an interrupted run may still be at work, so a host that reports nothing yet is asked again.
#: A host that did not answer in time is asked once more: its faults may keep it busy.
_ROUNDS = 3


def is_lost(host: HostResult) -> bool:
    """Return whether the effects on a node are unknown: it died, hung, or answered nonsense in the middle."""
    return host.status is Status.FAILED and not host.answered


class Undo(Protocol):
    """Undoes the effects of an interrupted action."""

    def __call__(self) -> None:
        """Undo them, and wait for the end of the undo."""

    def left(self) -> list[str]:
        """Return a sentence for each fault that may be left: its node, and how it ends."""


@dataclass(frozen=True)
class Rollback:
    """Heals the faults of one action.

    Args:
        action: the interrupted action.
        run: runs an action; failures of hosts are in the result, and raise nothing.
        elapsed: returns the seconds since the action began.
    """

    action: Action
    run: Callable[[Action], Result]
    elapsed: Callable[[], float]
    #: Asked node → id of its fault → end of the fault (in seconds, as `elapsed` counts), None for never.
    _known: dict[str, dict[str, float | None]] = field(default_factory=dict, init=False)

    def __call__(self) -> None:
        """Ask the hosts for their faults, and heal those that are not older than the action.

        Raises:
            UndoError: a fault is still there.
            AnsibleExecutionException: a host could not be asked; its fault ends by itself.
        """
        left: tuple[Node, ...] = self.action.nodes
        listing: Result | None = None
        for number in range(_ROUNDS):
            listing = self.run(actions.for_playbook("faults.yml", left, verb="list", subject="the faults"))
            made = {name: holds for name, host in listing.items() if (holds := self._made(host))}
            self._known.update(made)
            if made:
                self._heal(tuple(node for node in left if node.fqdn in made), made)
            left = tuple(node for node in left if node.fqdn not in made)
            failures = listing.failures
            if not left or (failures and (number > 0 or not all(map(is_lost, failures)))):
                break
        if listing is not None:
            listing.raise_for_status()

    def left(self) -> list[str]:
        """Return a sentence for each fault that may be left: its node, and how it ends."""
        return [sentence for node in self.action.nodes for sentence in self._left(node.fqdn)]

    def _left(self, node: str) -> list[str]:
        if node not in self._known:
            return [f"{node}: may hold {self.action}; {end_of_fault(actions.ends_after(self.action))}"]
        passed = self.elapsed()
        return [
            f"{node}: holds {name}; {end_of_fault(None if end is None else max(0.0, end - passed))}"
            for name, end in self._known[node].items()
        ]

    def _heal(self, nodes: tuple[Node, ...], made: Mapping[str, Iterable[str]]) -> None:
        """Let each node undo the faults that it has reported itself; no report counts for another node."""
        subject = f"what was begun by {self.action}"
        ids = {name: sorted(names) for name, names in made.items()}
        healing = actions.for_playbook("heal.yml", nodes, verb="heal", subject=subject)
        healed = self.run(replace(healing, known={"os_faults_ids_of": ids}))
        self._known.update({name: {} for name, host in healed.items() if host.ok})
        healed.raise_for_status()

    def _made(self, host: HostResult) -> dict[str, float | None]:
        """Return the action's own holds and their ends: those that are not older than it, by the host's clock."""
        now, passed = host.payload.get("now", 0.0), self.elapsed()
        same = [hold for hold in host.payload.get("holds", ()) if hold["fault"] == self.action.verb]
        same = [hold for hold in same if self.action.hits in ("", hold["subject"])]
        return {
            hold["id"]: None if hold.get("until") is None else passed + hold["until"] - now
            for hold in same
            if hold["since"] >= now - passed - _SLACK
        }


@dataclass(frozen=True)
class PowerRollback:
    """Powers on again the nodes that one action has powered off.

    Args:
        action: the interrupted action.
        nodes: those of its nodes that were on before.
        run: runs an action; failures are in the result, and raise nothing.
    """

    action: Action
    nodes: tuple[Node, ...]
    run: Callable[[Action], Result]

    def __call__(self) -> None:
        """Power on the nodes that are off, and again those that went off meanwhile.

        Raises:
            AnsibleExecutionException: a machine could not be asked; its node stays in the journal.
        """
        left, result = self.nodes, None
        for _ in range(_ROUNDS):
            if not left:
                return
            result = self.run(actions.for_verb("node", str(self.action.undo), left))
            left = tuple(node for node in left if not (node.fqdn in result and result[node.fqdn].changed))
        if result is not None:
            result.raise_for_status()
        names = ", ".join(node.fqdn for node in left)
        LOG.warning("%s: on; if this %s still powers it off, 'heal' powers it on", names, self.action.verb)

    def left(self) -> list[str]:
        """Return a sentence for each node that was on before: it may be off now."""
        return [f"{node.fqdn}: may be off by {self.action}; {end_of_fault(None)}" for node in self.nodes]
