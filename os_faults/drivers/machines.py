"""The machines of nodes, as the power drivers of a configuration know them."""

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
    """The machine of a node, from the first power driver that knows it.

    Attributes:
        driver: the driver that knows it; None when no driver does.
        variables: its variables for the playbooks.
        is_configured: whether it is known by the configuration alone; else by the report of the node.
        where: its host or BMC; "" when no driver knows it.
        which: its name there; "" for the only machine.
        problem: a sentence with the reason why the machine is not clear; "" when it is, and when no driver knows it.
    """

    driver: PowerDriver | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    is_configured: bool = False
    where: str = ""
    which: str = ""
    problem: str = ""


class Machines:
    """The machines of the nodes of a cloud, at one time.

    Args:
        drivers: the power drivers; the first that knows a node is used.
        configured: the nodes as the configuration names them.
        known: all nodes of the cloud, as discovered.
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
        """Return the variables of the machines for the playbooks, by name of the node.

        They are empty for a node without a known machine, and for one whose machine is not clear.
        """
        return {node.fqdn: {} if self.problem("power_state", node) else self.machine(node).variables for node in nodes}

    def check(self, verb: str, nodes: Iterable[Node]) -> None:
        """Refuse a verb that can't be done on one of the machines, before anything is touched.

        Args:
            verb: the verb.
            nodes: the nodes of the machines.

        Raises:
            PowerManagementError: no driver knows a node, its driver can't do the verb, or the machine of a node is not
                clear; the message has the names of the nodes.
        """
        if refusal := self._refusal(verb, tuple(nodes)):
            raise PowerManagementError(refusal)

    def refusals(self, verb: str, nodes: Iterable[Node]) -> dict[str, str]:
        """Return the reasons why a verb can't be done on some of the machines, by name of the node; see `check`."""
        refusals = {node.fqdn: self._refusal(verb, (node,)) for node in nodes}
        return {name: refusal for name, refusal in refusals.items() if refusal}

    def machine(self, node: Node) -> Machine:
        """Return the machine of a node; the node need not belong to the cloud."""
        return self._machines[node.fqdn] if self._known.get(node.fqdn) == node else self._find(node)

    def doubles(self, node: Node) -> list[str]:
        """Return the names of the other nodes that have the same machine.

        The report of another node does not count against the configuration.
        """
        mine = self.machine(node)
        there = self._at.get(mine.where, {})
        parts = {mine.which, ""} if mine.which else there.keys()
        same = [name for part in parts for name in there.get(part, ()) if name != node.fqdn]
        return sorted(name for name in same if self._machines[name].is_configured or not mine.is_configured)

    def suspects(self, node: Node) -> list[Node]:
        """Return the other nodes that have, or may have, the machine of a node.

        They may have it if it is known only by the node's own report, and no fact shows that they have another one.
        """
        mine, doubles = self.machine(node), self.doubles(node)
        unclear = [name for name in self._without_mac if name != node.fqdn and self._may_be(mine, self._machines[name])]
        return [self._known[name] for name in sorted({*doubles, *unclear})]

    def problem(self, verb: str, node: Node) -> str:
        """Return the reason why the machine of a node is not clear for a verb; "" when it is."""
        machine = self.machine(node)
        doubles = self.doubles(node)
        if not doubles or (machine.is_configured and verb in _READS):
            return machine.problem
        names = " and ".join(sorted([node.fqdn, *doubles]))
        return f"{names} would have one machine, {', '.join(filter(None, (machine.where, machine.which)))}"

    @staticmethod
    def _may_be(mine: Machine, its: Machine) -> bool:
        """Return whether a machine may belong to a node without a known MAC address."""
        unclear = mine.driver is not None and not mine.is_configured
        return unclear and (its.driver is None or its.where == mine.where)

    def _find(self, node: Node) -> Machine:
        """Ask the drivers in turn, each first with the facts of the configuration, then with the node's report."""
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
