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
    """Inject a fault, and undo it at every end of the block, also by an error.

    The fault is undone on the nodes where it began; older faults stay. If the injection fails on a node, the fault is
    undone also there, as it may have begun, and the block does not run. If the fault cuts the connection to the nodes,
    the end of the block waits until they undo it at its time.

    Args:
        perform: performs an action.
        action: the fault.

    Yields:
        The result of the injection, one entry per node.

    Raises:
        ArgumentError: the action has no undo; nothing was done.
        UndoError: the fault is still there after the block; an error of the block itself is its context.
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
    """Undo a fault; wait until nodes that it has cut off have healed by themselves, and ask them again."""
    ended = perform(undo, check=False)
    unreachable = [host.node for host in ended.failures if host.status is Status.UNREACHABLE]
    if any(result[node].payload.get("cuts_path") for node in unreachable):
        until = result.started + result.seconds + float(result.action.arguments["heal_after"])
        time.sleep(max(0.0, until - time.time()))
        ended = perform(undo, check=False)
    ended.raise_for_status()


def _begun(result: Result) -> tuple[Node, ...]:
    """Return the nodes on which the fault began, and those that failed."""
    return tuple(node for node in result.action.nodes if node.fqdn in result and _is_begun(result[node.fqdn]))


def _is_begun(host: HostResult) -> bool:
    """Return whether the fault may have begun on a host; a hold whose end has moved (``extended``) is older."""
    return not host.ok or (host.changed and not host.payload.get("extended"))
