"""The protocols of a runner, as a cloud uses it, and of a run, as the runner uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from os_faults.model import Action, Result

Event = dict[str, Any]
Watcher = Callable[[Event], None]
"""Called with every event of a run."""


class Runner(Protocol):
    """A runner of actions: `AnsibleRunner`, or the public fake `os_faults.testing.FakeRunner`."""

    @property
    def control_dir(self) -> str | None:
        """The directory for the sockets of shared connections to jump hosts; None without one."""

    def run(self, action: Action, inventory: Mapping[str, Any], watch: Watcher | None = None) -> Result:
        """Run ``action`` on the hosts of ``inventory`` and return the result of each."""

    def prepare(self, action: Action, inventory: Mapping[str, Any]) -> tuple[Path, list[str]]:
        """Write the run's directory without running it; return it and the ``ansible-playbook`` line."""

    def secret_path(self, value: str) -> str:
        """Return the path of a private file with a password, for an inventory to name."""

    def forget_connections(self) -> None:
        """Close the connections that stay open between runs."""

    def close(self) -> None:
        """Release all resources of the runner."""


class Run(Protocol):
    """One prepared run: on this machine, or shared by workers."""

    crash: BaseException | None

    @property
    def shares(self) -> Mapping[str, list[str]]:
        """Worker → the names of its nodes; empty without workers."""

    @property
    def forks(self) -> int:
        """The number of nodes at a time."""

    @property
    def timed_out(self) -> bool:
        """Whether the run was stopped at its deadline."""

    def follow(self, watch: Watcher | None) -> None:
        """Start the run and wait for its end; interruptible at any time."""

    def stop(self) -> None:
        """End the processes of the run, in bounded time."""

    def clear(self) -> None:
        """End the leftovers of a stopped run."""

    def error(self) -> str:
        """Return why the run as a whole failed; "" when the results of the nodes have the reasons."""

    def report(self, result: Result) -> Result:
        """Return a result with the entries of the nodes."""
