"""Admission: checks actions against the guard rails and the state of the cloud, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from os_faults.actions.batch import merged
from os_faults.actions.guards import Guards
from os_faults.discovery.discovery import Discovery
from os_faults.drivers.machines import Machines
from os_faults.errors import ArgumentError, GuardRailError, NodeCollectionError, OSFError
from os_faults.execution.engine import Engine
from os_faults.model import Action, Claim, Node


@dataclass(frozen=True)
class Situation:
    """The state of a cloud before an action.

    Attributes:
        nodes: all nodes of the cloud.
        claims: the faults of other users that block us.
        machines: the machines of the nodes; only for an action from outside.
    """

    nodes: tuple[Node, ...] = ()
    claims: tuple[Claim, ...] = ()
    machines: Machines = field(default_factory=Machines)


class Admission:
    """Refuses actions, before anything is touched.

    Args:
        engine: the engine that runs the actions.
        guards: the guard rails of the configuration.
        discovery: the nodes of the cloud.
        by: the acting user, ``user@controller``.
    """

    def __init__(self, engine: Engine, guards: Guards, discovery: Discovery, by: str) -> None:
        self._engine = engine
        self._guards = guards
        self._discovery = discovery
        self._by = by

    def check(self, wanted: Sequence[Action]) -> None:
        """Refuse actions that can't run, or that would break too much, each alone or all together.

        Raises:
            OSFError: the cloud object is closed.
            NodeCollectionError: an action has no nodes.
            ArgumentError: an action with a start time is not alone.
            GuardRailError: a guard rail forbids an action.
        """
        for action in wanted:
            if self._engine.closed:
                raise OSFError(f"{action}: this cloud object is closed; connect again")
            if not action.nodes:
                raise NodeCollectionError(f"{action} on an empty set of nodes: nothing was done")
            if "at" in action.arguments and len(wanted) > 1:
                raise ArgumentError(f"{action}: has a start time (at), so nothing else can be done together with it")
        asked = [action for action in wanted if action.breaks and not action.check_mode]
        if not asked:
            return
        situation = self._situation(asked)
        for action in [*asked, *([merged(asked)] if len(asked) > 1 else [])]:
            if refusals := self._refusals(action, situation):
                raise GuardRailError(f"{action}: refused, nothing was touched: {'; '.join(refusals)}")

    def refusals(self, action: Action) -> list[str]:
        """Return a sentence for each guard rail that forbids an action; nodes may be asked for it."""
        return self._refusals(action, self._situation([action])) if action.breaks else []

    def _situation(self, wanted: Iterable[Action]) -> Situation:
        """Return the state of the cloud, which the guard rails need; this may take a run."""
        known = tuple(self._discovery.known().values())
        claims = tuple(self._discovery.claims_of_others(self._by))
        outside = any(action.from_outside for action in wanted)
        return Situation(known, claims, self._discovery.machines() if outside else Machines())

    def _refusals(self, action: Action, situation: Situation) -> list[str]:
        outside = action.nodes if action.from_outside else ()
        suspects = {node.fqdn: situation.machines.suspects(node) for node in outside}
        return self._guards.refusals(action, situation.nodes, situation.claims, suspects)
