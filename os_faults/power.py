"""Whose machine can be powered off and on: the power drivers of a configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from os_faults.drivers import PowerDriver
from os_faults.errors import PowerManagementError
from os_faults.model import Node


class Machines:
    """The machines of the nodes, each known to the first driver that says so.

    Args:
        drivers: in the order in which they are asked.
    """

    def __init__(self, drivers: Iterable[PowerDriver]) -> None:
        self._drivers = tuple(drivers)

    def variables(self, node: Node) -> dict[str, Any]:
        """Return what the playbooks need to know of the machine of a node; nothing when no driver knows it."""
        driver = self._driver_of(node)
        return driver.variables(node) if driver else {}

    def check(self, verb: str, nodes: Iterable[Node]) -> None:
        """Refuse what can't be done to one of the machines, before anything is touched.

        Args:
            verb: what is to be done.
            nodes: to whose machines.

        Raises:
            PowerManagementError: no driver knows a node, or the one that does can't do that; with the nodes' names.
        """
        drivers = {node.fqdn: self._driver_of(node) for node in nodes}
        if strangers := [name for name, driver in drivers.items() if driver is None]:
            asked = ", ".join(driver.NAME for driver in self._drivers)
            why = f"no power driver knows {', '.join(strangers)} (asked: {asked})" if asked else "none is configured"
            raise PowerManagementError(f"{verb} needs power management, and {why}; nothing was done")
        unable = {name: driver.NAME for name, driver in drivers.items() if driver and verb not in driver.VERBS}
        if unable:
            told = ", ".join(f"{name} ({driver})" for name, driver in unable.items())
            raise PowerManagementError(f"the power driver of {told} can't do {verb}; nothing was done")

    def _driver_of(self, node: Node) -> PowerDriver | None:
        return next((driver for driver in self._drivers if driver.supports(node)), None)
