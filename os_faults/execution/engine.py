"""The engine: runs one action, without guard rails and rollback."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from os_faults.ansible.artifacts import must_be_recorded
from os_faults.ansible.protocol import Runner, Watcher
from os_faults.discovery.hosts import Hosts, Variables
from os_faults.errors import AnsibleExecutionException, OSFError
from os_faults.faults.ledger import Ledger
from os_faults.model import Action, Node, Result

LOG = logging.getLogger(__name__)

_NO_MACHINES: Variables = MappingProxyType({})


class Engine:
    """Runs each action in one playbook run, and records its effect on faults in the ledger.

    Args:
        runner: runs the playbooks.
        hosts: makes the inventories.
        ledger: the faults that nodes can't report.

    Attributes:
        watch: a function that gets every event of every run; None for no function.
        closed: whether the engine is closed and refuses every action.
    """

    def __init__(self, runner: Runner, hosts: Hosts, ledger: Ledger) -> None:
        self.watch: Watcher | None = None
        self._runner = runner
        self._hosts = hosts
        self._ledger = ledger
        self.closed = False

    def close(self) -> None:
        """Close the runner; every action is refused from now on."""
        self.closed = True
        self._runner.close()

    def prepare(self, action: Action, machines: Variables = _NO_MACHINES) -> tuple[Path, list[str]]:
        """Write the run of an action without running it; return its directory and its command line."""
        return self._runner.prepare(action, self._hosts.inventory(action.nodes, machines))

    def inventory(self, nodes: Iterable[Node], machines: Variables, *, secrets: bool = False) -> dict[str, Any]:
        """Return Ansible's inventory of nodes, for people.

        Args:
            nodes: the hosts.
            machines: name of the node → its machine.
            secrets: include passwords, as look-ups of files of the runner.
        """
        secret_path = self._runner.secret_path if secrets else None
        return self._hosts.inventory(nodes, machines, secret_path=secret_path, to_act=False)

    def run(self, action: Action, machines: Variables = _NO_MACHINES, begun: float | None = None) -> Result:
        """Run an action and record its effect on faults.

        Args:
            action: the action.
            machines: name of the node → its machine, for an action from outside.
            begun: start of the action for the ledger, seconds since the epoch; now when None.

        Returns:
            The result of each node, success or failure.

        Raises:
            OSFError: the action could not run, for instance because the system refused a process, a thread or a file.
            Exception: an error of ``watch`` or of a signal handler of the caller is passed on.
        """
        if self.closed:
            raise OSFError(f"{action}: this cloud object is closed; connect again")
        LOG.info("%s on %s", action, ", ".join(node.fqdn for node in action.nodes))
        begun = time.time() if begun is None else begun
        result = self._run_again_if_it_may(action, machines, self.watch)
        for part in result.parts or (result,):
            self._ledger.learn(part, begun)
        return result

    def run_quietly(self, action: Action) -> Result:
        """Run an action of a rollback or of a plan: without events for ``watch``, and without a line in the ledger."""
        return self._run_again_if_it_may(action, _NO_MACHINES, None)

    def _run_again_if_it_may(self, action: Action, machines: Variables, watch: Watcher | None) -> Result:
        """Run an action; repeat one that only reads or undoes when the system refused something in the middle.

        The artifacts of the second run go to another directory when their disk is full.
        """
        try:
            return self._run(action, machines, watch)
        except AnsibleExecutionException as error:
            if must_be_recorded(action) or not isinstance(error.__cause__, OSError):
                raise
        return self._run(action, machines, watch)

    def _run(self, action: Action, machines: Variables, watch: Watcher | None) -> Result:
        watching = _Watching(watch)
        try:
            inventory = self._hosts.inventory(
                action.nodes, machines, secret_path=self._runner.secret_path, control_dir=self._runner.control_dir
            )
            return self._runner.run(action, inventory, watch and watching)
        except Exception as error:
            if error is watching.raised or not _is_of_the_system(error):
                raise
            raise AnsibleExecutionException(f"{action}: {error}") from error
        finally:
            if action.breaks_connections:
                self._runner.forget_connections()


def _is_of_the_system(error: Exception) -> bool:
    """Return whether the system raised an error. An error of a signal handler, such as TimeoutError, has no errno."""
    if isinstance(error, OSError):
        return error.errno is not None
    return isinstance(error, RecursionError | UnicodeError) or "start new thread" in str(error)


class _Watching:
    """Calls a watcher, and keeps its error, which belongs to the caller."""

    def __init__(self, watch: Watcher | None) -> None:
        self._watch = watch
        self.raised: BaseException | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        try:
            if self._watch is not None:
                self._watch(event)
        except BaseException as error:
            self.raised = error
            raise
