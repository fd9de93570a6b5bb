"""Running actions as they are: no guard rail, no rollback."""

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
    """Runs each action by one playbook run, and records in the ledger what it did to the faults.

    Args:
        runner: runs the playbooks.
        hosts: makes the inventories.
        ledger: the faults that nodes can't report.

    Attributes:
        watch: called with every event of every run; None calls nobody.
        closed: whether it runs nothing any more.
    """

    def __init__(self, runner: Runner, hosts: Hosts, ledger: Ledger) -> None:
        self.watch: Watcher | None = None
        self._runner = runner
        self._hosts = hosts
        self._ledger = ledger
        self.closed = False

    def close(self) -> None:
        """Give back what the runner holds; every action is refused from now on."""
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
            secrets: let passwords be looked up in files of the runner.
        """
        secret_path = self._runner.secret_path if secrets else None
        return self._hosts.inventory(nodes, machines, secret_path=secret_path, to_act=False)

    def run(self, action: Action, machines: Variables = _NO_MACHINES, begun: float | None = None) -> Result:
        """Run an action and record what it did to faults.

        Args:
            action: what to do.
            machines: name of the node → its machine, of an action from outside.
            begun: when what is recorded of it in the ledger began, seconds since the epoch; now when None.

        Returns:
            What became of it on each node, whatever that is.

        Raises:
            OSFError: it could not be run; what the system refuses (a process, a thread, a file) is reported like this.
            Exception: what ``watch`` or a signal handler of the caller raises is passed on.
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
        """Run an action that takes back an interrupted one: nobody watches it, and the ledger is not told."""
        return self._run_again_if_it_may(action, _NO_MACHINES, None)

    def _run_again_if_it_may(self, action: Action, machines: Variables, watch: Watcher | None) -> Result:
        """Run what only looks, or gives something back, again when the system failed it in the middle.

        The artifacts of the second run go elsewhere when their disk is full.
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
            inventory = self._hosts.inventory(action.nodes, machines, secret_path=self._runner.secret_path)
            return self._runner.run(action, inventory, watch and watching)
        except Exception as error:
            if error is watching.raised or not _is_of_the_system(error):
                raise
            raise AnsibleExecutionException(f"{action}: {error}") from error
        finally:
            if action.breaks_connections:
                self._runner.forget_connections()


def _is_of_the_system(error: Exception) -> bool:
    """Whether an error tells what the system refused. A signal handler's own, such as a TimeoutError, has no number."""
    if isinstance(error, OSError):
        return error.errno is not None
    return isinstance(error, RecursionError | UnicodeError) or "start new thread" in str(error)


class _Watching:
    """Calls a watcher, and knows its errors, which are the caller's own."""

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
