"""The executor: performs actions, with admission before the run and rollback after an interruption."""

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
from os_faults.faults.interruption import add_notes, is_patient
from os_faults.faults.ledger import Ledger
from os_faults.faults.rollback import PowerRollback, Rollback, Undo, is_lost
from os_faults.model import Action, Result

LOG = logging.getLogger(__name__)


class Executor:
    """Performs actions on the nodes of one cloud, each in one playbook run.

    Args:
        engine: runs the actions.
        admission: refuses forbidden actions.
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
        """Perform an action, or note it for the end of a `together` block.

        Args:
            action: the action.
            check: raise when the action did not succeed on every node.
        """
        together: Together | None = getattr(self._gathering, "together", None)
        if together is not None and not action.harmless:
            self._admission.check([action])
            together.note(action, check)
            return pending(action)
        (result,) = self.perform_all([action])
        return result.raise_for_status() if check else result

    def perform_all(self, wanted: Sequence[Action]) -> tuple[Result, ...]:
        """Perform several actions in as few runs as possible, and return the result of each.

        Args:
            wanted: the actions, in order.

        Raises:
            GuardRailError: an action alone, or all together, would break too much; nothing was touched.
            BaseException: an interruption of a run is passed on, after the undo of its effects so far.
        """
        self._admission.check(wanted)
        done: list[Result] = []
        for run in in_runs(wanted):
            done += self._perform(run)
        return tuple(done)

    @contextmanager
    def together(self) -> Iterator[Together]:
        """Note the actions of this thread, and perform them when the block ends; nothing is done when it fails."""
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
        """Perform actions in one run."""
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
        """Undo the action on nodes without a usable answer, which may hold it, and add the outcome to their results."""
        lost = tuple(node for node in part.action.nodes if node.fqdn in part and is_lost(part[node.fqdn]))
        if not lost or not isinstance(undo, Rollback):
            return part
        partly = replace(part.action, nodes=lost)
        try:
            replace(undo, action=partly)()
            self._ledger.withdraw(partly)
            outcome = "what it may have begun was taken back"
        except (AnsibleExecutionException, UndoError) as error:
            outcome = f"what it may have begun could not be taken back, see the list of faults: {error}"
        hosts = {node.fqdn: replace(part[node.fqdn], message=f"{part[node.fqdn].message}; {outcome}") for node in lost}
        return replace(part, hosts={**part.hosts, **hosts})

    def _undo_of(self, action: Action, machines: Variables) -> Undo | None:
        """Return the rollback of an action, None when it leaves nothing; record the action in the ledger.

        Before nodes are powered off, those that are on are recorded.
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
        """Undo the effects of an interrupted action; faults that are left are noted, and stay in the ledger.

        A second interruption ends the wait; the hosts end the fault by themselves.
        """
        if not is_patient(interruption):
            add_notes(interruption, undo.left())
            return
        LOG.warning("interrupted: taking back %s; another Ctrl-C stops waiting for that", action)
        try:
            undo()
            self._ledger.withdraw(action)
        except Exception as error:
            LOG.error("%s could not be taken back, see the list of faults: %s", action, error)
            if isinstance(interruption, KeyboardInterrupt):
                failed = KeyboardInterrupt(str(error))
                add_notes(failed, undo.left())
                raise failed from error
            add_notes(interruption, [f"{action} could not be taken back: {error}", *undo.left()])
        except BaseException as again:
            add_notes(again, undo.left())
            raise
