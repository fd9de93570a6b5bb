"""Performing actions: guard rails first, then the run; what is interrupted is taken back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from os_faults import actions
from os_faults.actions.batch import Together, in_runs, merged, pending
from os_faults.discovery.discovery import Discovery
from os_faults.discovery.hosts import Variables
from os_faults.errors import (
    AnsibleExecutionException,
    OSFError,
    UndoError,
)
from os_faults.execution.admission import Admission
from os_faults.execution.engine import Engine
from os_faults.faults.interruption import is_patient, tell
from os_faults.faults.ledger import Ledger
from os_faults.faults.rollback import PowerRollback, Rollback, Undo, is_lost
from os_faults.model import Action, Result

LOG = logging.getLogger(__name__)


class Executor:
    """Performs actions on the nodes of one cloud, each by one playbook run.

    Args:
        engine: runs them.
        admission: refuses what must not be done.
        discovery: the nodes of the cloud.
        ledger: the faults that nodes can't report.
    """

    def __init__(self, engine: Engine, admission: Admission, discovery: Discovery, ledger: Ledger) -> None:
        self._engine = engine
        self._admission = admission
        self._discovery = discovery
        self._ledger = ledger
        self._gathering = threading.local()

    def perform(self, action: Action, *, check: bool = True) -> Result:
        """Do an action, or note it for the end of a `together` block.

        Args:
            action: what to do.
            check: raise when it was not achieved on every node.
        """
        together: Together | None = getattr(self._gathering, "together", None)
        if together is not None and not action.harmless:
            self._admission.check([action])
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
        self._admission.check(wanted)
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

    def _perform(self, wanted: Sequence[Action]) -> tuple[Result, ...]:
        """Do actions by one run."""
        begun = time.time()
        wanted = [actions.with_start_time(each, begun) for each in wanted]
        action = merged(wanted) if len(wanted) > 1 else wanted[0]
        machines = self._discovery.machines().variables(action.nodes) if action.from_outside else {}
        undos = [(each, self._undo_of(each, machines)) for each in wanted]
        try:
            result = self._engine.run(action, machines, begun)
        except BaseException as interruption:
            refused = isinstance(interruption, OSFError) and not isinstance(interruption, AnsibleExecutionException)
            for each, undo in reversed(undos):
                if undo and refused:
                    self._ledger.withdraw(each, untouched=True)
                elif undo:
                    self._take_back(each, undo, interruption)
            raise
        results = result.parts or (result,)
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
            outcome = "what it may have begun was taken back"
        except (AnsibleExecutionException, UndoError) as error:
            outcome = f"what it may have begun could not be taken back, the list of faults tells what is left: {error}"
        hosts = {node.fqdn: replace(part[node.fqdn], message=f"{part[node.fqdn].message}; {outcome}") for node in lost}
        return replace(part, hosts={**part.hosts, **hosts})

    def _undo_of(self, action: Action, machines: Variables) -> Undo | None:
        """Return what takes an action back that is interrupted, None when it leaves nothing.

        Before nodes are powered off, it is recorded which of them are on.
        """
        if action.undo is None or action.check_mode:
            return None
        if not action.from_outside:
            begin = time.monotonic()
            self._ledger.announce(action)
            return Rollback(action, self._engine.run_quietly, lambda: time.monotonic() - begin)
        states = self._engine.run(actions.power_state(action.nodes), machines)
        on = tuple(
            node
            for node in action.nodes
            if node.fqdn in states and states[node.fqdn].payload.get("power_state") == "on"
        )
        self._ledger.intend(action, on)
        return PowerRollback(action, on, partial(self._engine.run, machines=machines))

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
