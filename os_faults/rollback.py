"""Takes back what an interrupted action has done so far, and nothing that was there before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from os_faults import actions
from os_faults.model import Action, HostResult, Node, Result

#: Seconds by which a host may be slower in telling than the controller in counting.
_SLACK = 5.0

#: The module of an interrupted run may still be at work on a host, so a host that holds nothing is asked again.
_ROUNDS = 2


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
