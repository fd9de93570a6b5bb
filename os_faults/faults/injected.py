"""A fault for the length of a ``with`` block."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from os_faults import actions
from os_faults.errors import AnsibleExecutionException
from os_faults.model import Action, HostResult, Node, Result, Status


@contextmanager
def injected(perform: actions.Perform, action: Action) -> Iterator[Result]:
    """Inject a fault, and take it back at the end of the block, however that comes.

    Only the nodes on which the fault began get it taken back: what they held before stays. So do those that failed,
    since nobody knows how far they came; then the block does not begin. A fault that cuts the way to the nodes is
    waited for: they take it back at its time.

    Args:
        perform: does an action.
        action: the fault.

    Yields:
        What became of the injection, one entry per node.

    Raises:
        ArgumentError: the action leaves nothing that could be taken back; nothing was done.
        UndoError: the fault is still there after the block; what the block itself raised is its context.
    """
    undo = actions.undoing(action)
    try:
        result = perform(action)
    except AnsibleExecutionException as error:
        if error.result and (begun := _begun(error.result)):
            perform(replace(undo, nodes=begun), check=False)
        raise
    try:
        yield result
    finally:
        if begun := _begun(result):
            _take_back(perform, replace(undo, nodes=begun), result)


def _take_back(perform: actions.Perform, undo: Action, result: Result) -> None:
    """Undo a fault; nodes that it has cut off are asked again when they have healed by themselves."""
    ended = perform(undo, check=False)
    away = [host.node for host in ended.failures if host.status is Status.UNREACHABLE]
    if any(result[node].payload.get("cuts_path") for node in away):
        until = result.started + result.seconds + float(result.action.arguments["heal_after"])
        time.sleep(max(0.0, until - time.time()))
        ended = perform(undo, check=False)
    ended.raise_for_status()


def _begun(result: Result) -> tuple[Node, ...]:
    """Return the nodes on which the fault began, and those that failed."""
    return tuple(node for node in result.action.nodes if node.fqdn in result and _is_begun(result[node.fqdn]))


def _is_begun(host: HostResult) -> bool:
    """A hold whose end has moved (``extended``) was there before."""
    return not host.ok or (host.changed and not host.payload.get("extended"))
