"""A public fake of the runner: tests of your fault scenarios need neither hosts nor Ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from os_faults import resources
from os_faults.actions.batch import combined
from os_faults.ansible.protocol import Watcher
from os_faults.model import Action, HostResult, Result, Status

Answer = Callable[[Action, str], HostResult]


class FakeRunner:
    """Answers every action at once, and keeps a list of them.

    A cloud with such a runner keeps nothing on the disk.

    Args:
        answer: called with the action and each node's name; returns the result of the node. By default every node of
            the configuration answers, has all known services, holds no fault, and succeeds at every action.

    Attributes:
        performed: the actions, in order.

    Example:
        >>> runner = FakeRunner()
        >>> cloud = os_faults.connect(config, runner=runner)
        >>> cloud.get_service("keystone").restart().changed
        True
        >>> runner.performed[-1].verb
        'restart'
    """

    def __init__(self, answer: Answer | None = None) -> None:
        self._answer = answer
        self.performed: list[Action] = []

    def run(self, action: Action, inventory: Mapping[str, Any], watch: Watcher | None = None) -> Result:
        """Add ``action`` to `performed` and return the answer for each of its nodes."""
        self.performed.append(action)
        answer = self._answer or _default_answer(inventory)
        parts = tuple(_result(part, answer) for part in action.parts)
        return Result(action, combined(parts), parts=parts) if parts else _result(action, answer)

    def prepare(self, action: Action, inventory: Mapping[str, Any]) -> tuple[Path, list[str]]:
        """Return a command line that is never run."""
        return Path("/nowhere"), ["ansible-playbook", "-i", "/nowhere/inventory", action.playbook]

    #: There are no connections to share.
    control_dir: str | None = None

    def secret_path(self, value: str) -> str:
        """Return a path without a file."""
        return "/nowhere/secret"

    def forget_connections(self) -> None:
        """Do nothing: no connection is open."""

    def close(self) -> None:
        """Do nothing: no resource is open."""


def _result(action: Action, answer: Answer) -> Result:
    return Result(action, {node.fqdn: answer(action, node.fqdn) for node in action.nodes})


def done(action: Action, node: str) -> HostResult:
    """Return the answer of a node on which the action succeeded."""
    return HostResult(node, Status.OK, changed=True)


def _default_answer(inventory: Mapping[str, Any]) -> Answer:
    """Return the answers of nodes that have every service, hold no fault, and succeed at every action."""
    variables = inventory["all"]["vars"]
    services = {**resources.catalogue(variables["os_faults_cloud"] or None), **variables["os_faults_services"]}
    present = {name: {"units": [f"{name}.service"], "active": True} for name in services}
    there = {"services": present, "containers": {name: {"active": True} for name in variables["os_faults_containers"]}}

    def answer(action: Action, node: str) -> HostResult:
        if action.verb == "discover":
            return HostResult(node, Status.OK, payload={"node": {"fqdn": node}, **there})
        if action.playbook == "faults.yml":
            return HostResult(node, Status.OK, payload={"holds": []})
        if action.verb == "power_state":
            return HostResult(node, Status.OK, payload={"power_state": "on"})
        return done(action, node)

    return answer
