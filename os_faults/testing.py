"""A public fake of the runner: tests of your own fault scenarios need neither hosts nor Ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from os_faults.model import Action, HostResult, Result, Status
from os_faults.runner import Watcher

Answer = Callable[[Action, str], HostResult]


def done(action: Action, node: str) -> HostResult:
    """Answer that ``node`` did what was asked."""
    return HostResult(node, Status.OK, changed=True)


class FakeRunner:
    """Answers every action at once, and remembers it.

    Args:
        answer: called with the action and each node's name; says that it was done when left out.

    Attributes:
        performed: the actions, in order.

    Example:
        >>> runner = FakeRunner()
        >>> cloud = os_faults.connect(config, runner=runner)
        >>> cloud.get_service("keystone").restart()
        >>> runner.performed[-1].verb
        'restart'
    """

    def __init__(self, answer: Answer = done) -> None:
        self._answer = answer
        self.performed: list[Action] = []

    def run(self, action: Action, inventory: Mapping[str, Any], watch: Watcher | None = None) -> Result:
        """Remember ``action`` and return the answer for each of its nodes."""
        self.performed.append(action)
        return Result(action, {node.fqdn: self._answer(action, node.fqdn) for node in action.nodes})

    def prepare(self, action: Action, inventory: Mapping[str, Any]) -> tuple[Path, list[str]]:
        """Return a command line that is never run."""
        return Path("/nowhere"), ["ansible-playbook", "-i", "/nowhere/inventory", action.playbook]

    def forget_connections(self) -> None:
        """Nothing is kept open."""

    def close(self) -> None:
        """Nothing is held."""
