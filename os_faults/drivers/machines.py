"""Whose machine can be powered off and on: what the power drivers of a configuration know of the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from os_faults.drivers import PowerDriver
from os_faults.drivers.machine_claims import MachineClaims
from os_faults.errors import PowerManagementError
from os_faults.model import Node

#: Only reads, so two nodes with one machine do no harm.
_READS = frozenset({"power_state"})


@dataclass(frozen=True)
class Machine:
    """The machine of a node, as the first power driver that knows it tells.

    Attributes:
        driver: who knows it; None when nobody does.
        variables: what the playbooks need to know of it.
        is_configured: whether the configuration itself says which it is; else it is known by what the node reports.
        where: who has it; "" when nobody knows it.
        which: which of the machines there it is; "" for the only one.
        problem: why it can't be said which it is, a sentence; "" when it can, and when nobody knows it.
    """

    driver: PowerDriver | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    is_configured: bool = False
    where: str = ""
    which: str = ""
    problem: str = ""


class Machines:
    """The machines of the nodes of a cloud, at one moment.

    Args:
        drivers: in the order in which they are asked.
        configured: the nodes as the configuration names them.
        known: all nodes of the cloud, as they were found.
    """

    def __init__(
        self, drivers: Iterable[PowerDriver] = (), configured: Iterable[Node] = (), known: Iterable[Node] = ()
    ) -> None:
        self._drivers = tuple(drivers)
        self._known = {node.fqdn: node for node in known}
        self._claims = MachineClaims(configured, self._known.values())
        self._machines = {name: self._find(node) for name, node in self._known.items()}
        self._without_mac = [name for name, node in self._known.items() if not self._claims.claims(node)]
        self._at: dict[str, dict[str, list[str]]] = {}
        for name, machine in self._machines.items():
            if machine.driver:
                self._at.setdefault(machine.where, {}).setdefault(machine.which, []).append(name)

    def variables(self, nodes: Iterable[Node]) -> dict[str, Mapping[str, Any]]:
        """Return what the playbooks need to know of the machines, by name of the node.

        That is nothing of a node that no driver knows, and of one of which it can't be said which machine it has.
        """
        return {node.fqdn: {} if self.problem("power_state", node) else self.machine(node).variables for node in nodes}

    def check(self, verb: str, nodes: Iterable[Node]) -> None:
        """Refuse what can't be done to one of the machines, before anything is touched.

        Args:
            verb: what is to be done.
            nodes: to whose machines.

        Raises:
            PowerManagementError: no driver knows a node, the one that does can't do that, or it can't be said which
                machine a node has; with the nodes' names.
        """
        if refusal := self._refusal(verb, tuple(nodes)):
            raise PowerManagementError(refusal)

    def refusals(self, verb: str, nodes: Iterable[Node]) -> dict[str, str]:
        """Return why something can't be done to some of the machines, by name of the node; see `check`."""
        refusals = {node.fqdn: self._refusal(verb, (node,)) for node in nodes}
        return {name: refusal for name, refusal in refusals.items() if refusal}

    def machine(self, node: Node) -> Machine:
        """Return the machine of a node, also of one that is not among those of the cloud."""
        return self._machines[node.fqdn] if self._known.get(node.fqdn) == node else self._find(node)

    def doubles(self, node: Node) -> list[str]:
        """Return the names of the other nodes that have the same machine.

        Against the word of the configuration that of a node does not count.
        """
        mine = self.machine(node)
        there = self._at.get(mine.where, {})
        parts = {mine.which, ""} if mine.which else there.keys()
        same = [name for part in parts for name in there.get(part, ()) if name != node.fqdn]
        return sorted(name for name in same if self._machines[name].is_configured or not mine.is_configured)

    def suspects(self, node: Node) -> list[Node]:
        """Return the other nodes whose machine is, or may be, that of a node.

        It may be where only the node itself tells its machine, and nothing tells that the other one has another.
        """
        mine, doubles = self.machine(node), self.doubles(node)
        unclear = [name for name in self._without_mac if name != node.fqdn and self._may_be(mine, self._machines[name])]
        return [self._known[name] for name in sorted({*doubles, *unclear})]

    def problem(self, verb: str, node: Node) -> str:
        """Return why it can't be said of a node which machine a verb would act on; "" when it can."""
        machine = self.machine(node)
        doubles = self.doubles(node)
        if not doubles or (machine.is_configured and verb in _READS):
            return machine.problem
        names = " and ".join(sorted([node.fqdn, *doubles]))
        return f"{names} would have one machine, {', '.join(filter(None, (machine.where, machine.which)))}"

    @staticmethod
    def _may_be(mine: Machine, its: Machine) -> bool:
        """Return whether a machine may be that of a node of which no MAC address is known."""
        unclear = mine.driver is not None and not mine.is_configured
        return unclear and (its.driver is None or its.where == mine.where)

    def _find(self, node: Node) -> Machine:
        """Ask the drivers in turn, each by what the configuration says before what the node reports."""
        views = self._claims.views(node)
        try:
            for driver in self._drivers:
                for view, is_configured in views:
                    if driver.supports(view):
                        variables = driver.variables(view)
                        return Machine(driver, variables, is_configured, *driver.place(variables))
        except PowerManagementError as error:
            return Machine(problem=str(error))
        for mac, others in self._claims.rivals(node).items():
            names = " and ".join(sorted([node.fqdn, *others]))
            return Machine(problem=f"the MAC address {mac} is claimed by {names}, so it leads to no machine")
        return Machine()

    def _refusal(self, verb: str, nodes: tuple[Node, ...]) -> str:
        if problems := [problem for node in nodes if (problem := self.problem(verb, node))]:
            ways = " or ".join(dict.fromkeys(driver.TOLD_BY for driver in self._drivers))
            reasons = "; ".join(dict.fromkeys(problems))
            return f"{verb}: {reasons}; say in the configuration which machine each has ({ways}); nothing was done"
        drivers = {node.fqdn: self.machine(node).driver for node in nodes}
        if strangers := [name for name, driver in drivers.items() if driver is None]:
            asked = ", ".join(driver.NAME for driver in self._drivers)
            why = f"no power driver knows {', '.join(strangers)} (asked: {asked})" if asked else "none is configured"
            return f"{verb} needs power management, and {why}; nothing was done"
        if unable := {name: driver.NAME for name, driver in drivers.items() if driver and verb not in driver.VERBS}:
            names = ", ".join(f"{name} ({driver})" for name, driver in unable.items())
            return f"the power driver of {names} can't do {verb}; nothing was done"
        return ""
