"""Take back what an interrupted action has done so far, and nothing that was there before it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from os_faults import actions
from os_faults.model import Action, HostResult, Node, Result

LOG = logging.getLogger(__name__)

#: Seconds by which a host may be slower in telling than the controller in counting.
_SLACK = 5.0

#: The module of an interrupted run may still be at work, so a host that shows nothing yet is asked again.
_ROUNDS = 3


@dataclass(frozen=True)
class Rollback:
    """Heals the faults that one action made.

    Args:
        action: what was interrupted.
        run: does an action without raising for what the hosts answer.
        elapsed: returns the seconds since the action began.
    """

    action: Action
    run: Callable[[Action], Result]
    elapsed: Callable[[], float]

    def __call__(self) -> None:
        """Ask the hosts what they hold, and heal what is not older than the action.

        Raises:
            UndoError: a fault is still there.
            AnsibleExecutionException: a host could not be asked; its fault ends by itself.
        """
        left: tuple[Node, ...] = self.action.nodes
        listing: Result | None = None
        for _ in range(_ROUNDS):
            listing = self.run(actions.for_playbook("faults.yml", left, verb="list", subject="the faults"))
            made = {name: ids for name, host in listing.items() if (ids := self._made(host))}
            if made:
                self._heal(tuple(node for node in left if node.fqdn in made), set().union(*made.values()))
            left = tuple(node for node in left if node.fqdn not in made)
            if not left or listing.failures:
                break
        if listing is not None:
            listing.raise_for_status()

    def _heal(self, nodes: tuple[Node, ...], ids: set[str]) -> None:
        subject = f"what was begun by {self.action}"
        heal = actions.for_playbook("heal.yml", nodes, verb="heal", subject=subject, fault_ids=sorted(ids))
        self.run(heal).raise_for_status()

    def _made(self, host: HostResult) -> set[str]:
        """Return the ids of the action's own holds: none is older than the action, by the host's clock."""
        since = host.payload.get("now", 0.0) - self.elapsed() - _SLACK
        same = [hold for hold in host.payload.get("holds", ()) if hold["fault"] == self.action.verb]
        same = [hold for hold in same if self.action.hits in ("", hold["subject"])]
        return {hold["id"] for hold in same if hold["since"] >= since}


@dataclass(frozen=True)
class PowerRollback:
    """Powers on again what one action has powered off.

    Args:
        action: what was interrupted.
        nodes: those of its nodes that were on before.
        perform: does an action; with ``check=False`` without raising for what becomes of it.
    """

    action: Action
    nodes: tuple[Node, ...]
    perform: Callable[..., Result]

    def __call__(self) -> None:
        """Power on those that are off, and again those that went off meanwhile.

        Raises:
            AnsibleExecutionException: a machine could not be asked; the journal keeps its node.
        """
        left, result = self.nodes, None
        for _ in range(_ROUNDS):
            if not left:
                return
            result = self.perform(actions.for_verb("node", str(self.action.undo), left), check=False)
            left = tuple(node for node in left if not (node.fqdn in result and result[node.fqdn].changed))
        if result is not None:
            result.raise_for_status()
        names = ", ".join(node.fqdn for node in left)
        LOG.warning("%s: on; should it go off yet by this %s, 'heal' powers it on", names, self.action.verb)
