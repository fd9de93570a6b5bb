"""The planner: tells the run, the effects and the obstacles of an action; nothing is touched."""

from __future__ import annotations

from pathlib import Path

from os_faults import actions
from os_faults.actions.guards import is_whole
from os_faults.discovery.discovery import Discovery
from os_faults.drivers.machines import Machines
from os_faults.execution.admission import Admission
from os_faults.execution.engine import Engine
from os_faults.faults.listing import Faults, faults_of
from os_faults.faults.plan import Preview, conflicts, told_by, tried
from os_faults.model import Action


class Planner:
    """Plans actions on the nodes of one cloud.

    Args:
        engine: writes the runs, and asks nodes.
        admission: tells the guard rails that forbid an action.
        discovery: the nodes of the cloud.
        faults: lists the faults of the nodes.
    """

    def __init__(self, engine: Engine, admission: Admission, discovery: Discovery, faults: Faults) -> None:
        self._engine = engine
        self._admission = admission
        self._discovery = discovery
        self._faults = faults

    def command_line(self, action: Action) -> tuple[Path, list[str]]:
        """Write the run of an action without running it; return its directory and its command line."""
        machines = self._discovery.machines() if action.from_outside else Machines()
        return self._engine.prepare(action, machines.variables(action.nodes))

    def preview(self, action: Action) -> Preview:
        """Return the effects of an action and its obstacles; nodes are asked, and nothing is touched."""
        listing = self._faults.listing(action.nodes, self._discovery.machines()) if action.breaks else None
        directory, command = self.command_line(action)
        refusals = tuple(self._admission.refusals(action))
        asks = actions.asked_by_plan(action) and not refusals
        return Preview(
            action=action,
            directory=directory,
            command=command,
            seconds=actions.lasts(action),
            refusals=refusals,
            conflicts=conflicts(action, faults_of(listing)) if listing else (),
            unasked=tuple(host.node for host in listing.failures) if listing else (),
            whole_cloud=is_whole(action, self._discovery.known().values()),
            told=told_by(self._engine.run_quietly(tried(action))) if asks else {},
        )
