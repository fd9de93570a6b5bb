"""Doing actions: guard rails first, then the run, then what it left is written down, or taken back when interrupted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from os_faults import actions
from os_faults.actions.batch import Together, in_runs, merged, pending
from os_faults.ansible.artifacts import must_be_recorded
from os_faults.ansible.protocol import Runner, Watcher
from os_faults.errors import (
    AnsibleExecutionException,
    ArgumentError,
    GuardRailError,
    NodeCollectionError,
    OSFError,
    UndoError,
)
from os_faults.faults.interruption import is_patient, tell
from os_faults.faults.ledger import Ledger
from os_faults.faults.rollback import PowerRollback, Rollback, Undo, is_lost
from os_faults.model import Action, Result

LOG = logging.getLogger(__name__)


class Executor:
    """Does actions on the nodes of one cloud, each by one playbook run.

    Args:
        runner: who runs the playbooks.
        inventory: returns Ansible's inventory of an action.
        ledger: keeps the journal of faults that nodes can't tell.
        refusals: returns why an action must not be done, a sentence each.

    Attributes:
        watch: called with every event of every run; None calls nobody.
    """

    def __init__(
        self,
        runner: Runner,
        inventory: Callable[[Action], Mapping[str, Any]],
        ledger: Ledger,
        refusals: Callable[[Action], list[str]],
    ) -> None:
        self.watch: Watcher | None = None
        self._runner = runner
        self._inventory = inventory
        self._ledger = ledger
        self._refusals = refusals
        self._closed = False
        self._gathering = threading.local()

    def close(self) -> None:
        """Refuse what is asked from now on."""
        self._closed = True

    def perform(self, action: Action, *, check: bool = True) -> Result:
        """Do an action, or note it for the end of a `together` block.

        Args:
            action: what to do.
            check: raise when it was not achieved on every node.
        """
        together: Together | None = getattr(self._gathering, "together", None)
        if together is not None and not action.harmless:
            self._refuse([action])
            together.note(action, check)
            return pending(action)
        (result,) = self.perform_all([action])
        return result.raise_for_status() if check else result

    def perform_all(self, wanted: Sequence[Action]) -> tuple[Result, ...]:
        """Do several actions in as few runs as can be, and return what became of each.

        Args:
            wanted: what to do, in this order.

        Raises:
            GuardRailError: one of them, or all together, would break more than it may; nothing was touched.
            BaseException: whatever interrupts a run is passed on, after what it did so far was taken back.
        """
        self._refuse(wanted)
        done: list[Result] = []
        for run in in_runs(wanted):
            done += self._perform(run)
        return tuple(done)

    @contextmanager
    def together(self) -> Iterator[Together]:
        """Note the actions of this thread, and do them when the block ends; nothing is done when it fails."""
        if getattr(self._gathering, "together", None) is not None:
            raise OSFError("a together block can't be within another")
        together = Together()
        self._gathering.together = together
        try:
            yield together
        finally:
            self._gathering.together = None
        together.done(self.perform_all(together.actions))

    def run(self, action: Action, watch: Watcher | None = None) -> Result:
        """Run an action as it is, and return what it did; no guard rail, no journal.

        What only looks, or gives something back, is run again when the system failed it in the middle: the artifacts of
        the second run go elsewhere when their disk is full.

        Raises:
            OSFError: it could not be run; what the system refuses (a process, a thread, a file) is told like this.
            Exception: what ``watch`` or a signal handler of the caller raises is passed on.
        """
        try:
            return self._run(action, watch)
        except AnsibleExecutionException as error:
            if must_be_recorded(action) or not isinstance(error.__cause__, OSError):
                raise
        return self._run(action, watch)

    def _run(self, action: Action, watch: Watcher | None) -> Result:
        watching = _Watching(watch)
        try:
            return self._runner.run(action, self._inventory(action), watch and watching)
        except Exception as error:
            if error is watching.raised or not _is_of_the_system(error):
                raise
            raise AnsibleExecutionException(f"{action}: {error}") from error
        finally:
            if action.breaks_connections:
                self._runner.forget_connections()

    def _refuse(self, wanted: Sequence[Action]) -> None:
        for action in wanted:
            if self._closed:
                raise OSFError(f"{action}: this cloud object is closed; connect again")
            if not action.nodes:
                raise NodeCollectionError(f"{action} on an empty set of nodes: nothing was done")
            if "at" in action.arguments and len(wanted) > 1:
                raise ArgumentError(
                    f"{action}: waits for its moment (at), so nothing else can be done together with it"
                )
        asked = [action for action in wanted if action.breaks and not action.check_mode]
        for action in [*asked, *([merged(asked)] if len(asked) > 1 else [])]:
            if refusals := self._refusals(action):
                raise GuardRailError(f"{action}: refused, nothing was touched: {'; '.join(refusals)}")

    def _perform(self, wanted: Sequence[Action]) -> tuple[Result, ...]:
        """Do actions by one run."""
        begun = time.time()
        wanted = [actions.at_its_moment(each, begun) for each in wanted]
        action = merged(wanted) if len(wanted) > 1 else wanted[0]
        LOG.info("%s on %s", action, ", ".join(node.fqdn for node in action.nodes))
        undos = [(each, self._undo_of(each)) for each in wanted]
        try:
            result = self.run(action, self.watch)
        except BaseException as interruption:
            refused = isinstance(interruption, OSFError) and not isinstance(interruption, AnsibleExecutionException)
            for each, undo in reversed(undos):
                if undo and refused:
                    self._ledger.withdraw(each, untouched=True)
                elif undo:
                    self._take_back(each, undo, interruption)
            raise
        results = result.parts or (result,)
        for part in results:
            self._ledger.learn(part, begun)
        return tuple(self._settled(part, undo) for part, (_, undo) in zip(results, undos, strict=True))

    def _settled(self, part: Result, undo: Undo | None) -> Result:
        """Take back what nodes may hold that gave no answer, and let the result say so. Of the others it is known."""
        lost = tuple(node for node in part.action.nodes if node.fqdn in part and is_lost(part[node.fqdn]))
        if not lost or not isinstance(undo, Rollback):
            return part
        partly = replace(part.action, nodes=lost)
        try:
            replace(undo, action=partly)()
            self._ledger.withdraw(partly)
            said = "what it may have begun was taken back"
        except (AnsibleExecutionException, UndoError) as error:
            said = f"what it may have begun could not be taken back, the list of faults tells what is left: {error}"
        told = {node.fqdn: replace(part[node.fqdn], message=f"{part[node.fqdn].message}; {said}") for node in lost}
        return replace(part, hosts={**part.hosts, **told})

    def _undo_of(self, action: Action) -> Undo | None:
        """Return what takes an action back that is interrupted, None when it leaves nothing.

        Before nodes are powered off, it is written down which of them are on.
        """
        if action.undo is None or action.check_mode:
            return None
        if not action.from_outside:
            begin = time.monotonic()
            self._ledger.announce(action)
            return Rollback(action, self.run, lambda: time.monotonic() - begin)
        states = {
            name: host.payload.get("power_state")
            for name, host in self.perform(actions.power_state(action.nodes), check=False).items()
        }
        on = tuple(node for node in action.nodes if states.get(node.fqdn) == "on")
        self._ledger.intend(action, on)
        return PowerRollback(action, on, self.perform)

    def _take_back(self, action: Action, undo: Undo, interruption: BaseException) -> None:
        """Undo what an interrupted action has done so far; what is not undone is told, and stays listed.

        A second interruption ends the waiting; the hosts end the fault by themselves.
        """
        if not is_patient(interruption):
            tell(interruption, undo.left())
            return
        LOG.warning("interrupted: taking back %s; another Ctrl-C stops waiting for that", action)
        try:
            undo()
            self._ledger.withdraw(action)
        except Exception as error:
            LOG.error("%s could not be taken back, the list of faults tells what is left: %s", action, error)
            if isinstance(interruption, KeyboardInterrupt):
                failed = KeyboardInterrupt(str(error))
                tell(failed, undo.left())
                raise failed from error
            tell(interruption, [f"{action} could not be taken back: {error}", *undo.left()])
        except BaseException as again:
            tell(again, undo.left())
            raise


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
