"""What a cloud needs of a runner, and what a runner needs of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from os_faults.model import Action, Result

Event = dict[str, Any]
Watcher = Callable[[Event], None]
"""Called with every event of a run."""


class Runner(Protocol):
    """What a cloud needs of a runner: `AnsibleRunner`, or the public fake `os_faults.testing.FakeRunner`."""

    def run(self, action: Action, inventory: Mapping[str, Any], watch: Watcher | None = None) -> Result:
        """Do ``action`` on the hosts of ``inventory`` and say what happened on each."""

    def prepare(self, action: Action, inventory: Mapping[str, Any]) -> tuple[Path, list[str]]:
        """Write the run's directory without running it; return it and the ``ansible-playbook`` line."""

    def secret_path(self, value: str) -> str:
        """Return the path of a private file that holds a password, for an inventory to name."""

    def forget_connections(self) -> None:
        """Close the connections that are kept open between runs."""

    def close(self) -> None:
        """Give back everything the runner holds."""


class Run(Protocol):
    """One run that has been prepared: on this machine, or shared by workers."""

    crash: BaseException | None

    @property
    def shares(self) -> Mapping[str, list[str]]:
        """Worker → the nodes that it works on; empty when there is none."""

    @property
    def forks(self) -> int:
        """How many nodes are worked on at a time."""

    @property
    def timed_out(self) -> bool:
        """Whether the run was stopped at its deadline."""

    def follow(self, watch: Watcher | None) -> None:
        """Start the run and wait for its end; interruptible at any moment."""

    def stop(self) -> None:
        """End the processes of the run, in bounded time."""

    def clear(self) -> None:
        """End what a run that was stopped has left."""

    def error(self) -> str:
        """Return why the run as a whole went wrong; "" when the results of the nodes tell."""

    def report(self, result: Result) -> Result:
        """Return a result with what is known of each node."""
