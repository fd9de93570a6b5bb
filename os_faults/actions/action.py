"""From a verb and its arguments to an `Action`: checked against the contract; nothing is touched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Protocol, TypedDict

from os_faults.actions.contract import AT, ENDS, Contract, find_verb, load_contracts
from os_faults.actions.guards import Limit
from os_faults.errors import ArgumentError, ContainerError, OSFError, PowerManagementError, ServiceError
from os_faults.model import Action, Node, Result
from os_faults.model.duration import Duration
from os_faults.model.start_time import At, epoch_of
from os_faults.resources import playbooks_dir

#: Seconds that a run may take beyond the wait of its verb on the hosts.
RUN_MARGIN = 120.0
#: Seconds that a verb may wait on the hosts when its contract has no option for a time.
PATIENCE = 300.0

_NEVER = "never"
#: Subject of a verb → the error of its failure in versions before 1.0.
_FAMILIES: Mapping[str, type[OSFError]] = {"service": ServiceError, "container": ContainerError}


class PerCall(TypedDict, total=False):
    """Further arguments of a verb that breaks something, for one call.

    Attributes:
        limit: most nodes to break: a number (``2``), or a share (``"50%"``) of the nodes that have the service, or of
            all nodes for a verb of nodes. The lower of this and the configuration's limit binds.
        force: act even if other users have faults in the cloud.
        seconds: how long the fault lasts: seconds, or a text with units (``"2min"``); only for faults that end by
            themselves. ``sec``, ``duration`` and ``heal_after`` are older words; ``heal_after`` may be ``never``.
        at: the start time on all nodes, or a delay until then (``3`` or ``"3s"``); only for faults that the nodes hold
            and end by themselves. The call returns after the start.

    Example:
        >>> cloud.get_service("keystone").restart(limit="50%")
        Traceback (most recent call last):
        os_faults.errors.GuardRailError: restart keystone service: refused, nothing was touched: it asks for 3 nodes, …
    """

    limit: int | str
    force: bool
    seconds: Duration
    at: At


class Perform(Protocol):
    """Performs an action in one run."""

    def __call__(self, action: Action, *, check: bool = True) -> Result:
        """Perform it; raise when it did not succeed on every node, unless ``check`` is False."""


@cache
def contracts() -> Mapping[str, Contract]:
    """Return the contracts of the bundled playbooks, by file name; they are read once."""
    return load_contracts(playbooks_dir())


def for_verb(
    kind: str,
    verb: str,
    nodes: Iterable[Node],
    *,
    subject: str = "nodes",
    ends_after: int | None = None,
    among: int = 0,
    limit: int | str | None = None,
    **options: Any,
) -> Action:
    """Return the action for a verb, with its options checked by the contract of its playbook.

    Args:
        kind: the kind of its subject: ``service``, ``container`` or ``node``.
        verb: the verb, as in the contract.
        nodes: the nodes to act on.
        subject: its subject, for people.
        ends_after: seconds after which a lasting fault ends by itself, if ``options`` have no end.
        among: number of nodes that it could act on; 0 means all nodes of the cloud.
        limit: see `PerCall`.
        options: the playbook's options; None means the default of the playbook.

    Raises:
        ArgumentError: the verb is unknown, its contract refuses an option, or it breaks nothing and has a limit.

    Example:
        >>> for_verb("service", "restart", nodes, subject="keystone service", service="keystone").arguments
        {'service': 'keystone', 'service_action': 'restart'}
    """
    contract = find_verb(contracts(), kind, verb)
    undo = contract.undo_of(verb)
    given = {str(contract.verbs_from): verb, **_named(contract, verb, options)}
    if undo and "heal_after" in contract.options and not given.keys() & {"heal_after", "seconds"}:
        given["heal_after"] = ends_after
    checked = contract.check(given)
    breaks = contract.breaks(verb)
    if limit is not None:
        if not breaks:
            raise ArgumentError(f"{verb} takes no limit: it breaks nothing, so it is never refused")
        Limit(str(limit), "this call")  # refuses an invalid limit
    return Action(
        verb=verb,
        playbook=contract.playbook,
        nodes=tuple(nodes),
        arguments=checked,
        subject=subject,
        undo=undo,
        from_outside=contract.from_outside,
        breaks_connections=verb in contract.breaks_connections,
        hits=contract.hits(checked),
        timeout=_patience(contract, checked) + RUN_MARGIN,
        breaks=breaks,
        among=among,
        limit=limit,
        family=PowerManagementError if contract.from_outside else _FAMILIES.get(contract.subject),
    )


def _named(contract: Contract, verb: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given arguments by the names of the contract's options; None means "not given".

    Raises:
        ArgumentError: two words for one option are given.
    """
    named: dict[str, Any] = {}
    for word, value in words.items():
        name = contract.option_of(verb, word)
        if value is not None and name in named:
            raise ArgumentError(f"{verb}: {name} is given twice, once as {word}")
        if value is not None:
            named[name] = value
    return named


def undoing(action: Action) -> Action:
    """Return the action that undoes another one, on the same nodes and the same subject.

    Raises:
        ArgumentError: the action leaves nothing to undo.

    Example:
        >>> undoing(for_verb("service", "freeze", nodes, service="keystone", seconds=10)).arguments
        {'service': 'keystone', 'service_action': 'unfreeze'}
    """
    if action.undo is None:
        raise ArgumentError(f"{action}: it leaves nothing that could be taken back")
    contract = contracts()[action.playbook]
    kept = {
        name: value
        for name, value in action.arguments.items()
        if name != contract.verbs_from and contract.takes(action.undo, name)
    }
    undo = for_verb(contract.subject, action.undo, action.nodes, subject=action.subject, **kept)
    return replace(undo, known=action.known)


def undone_verbs(action: Action) -> frozenset[str]:
    """Return the verbs whose faults an action undoes; none when it undoes nothing.

    Example:
        >>> sorted(undone_verbs(for_verb("service", "unfreeze", nodes, service="keystone")))
        ['freeze']
    """
    contract = contracts().get(action.playbook)
    return contract.undone_verbs(action.verb) if contract else frozenset()


def asked_by_plan(action: Action) -> bool:
    """Return whether a plan asks the nodes, as they know more of what goes with the action than the controller."""
    contract = contracts().get(action.playbook)
    return contract is not None and action.verb in contract.asked_by_plan


def ending_after(action: Action, seconds: Duration) -> Action:
    """Return the same action with an end after some seconds.

    Raises:
        ArgumentError: the hosts do not end such a fault by themselves.
    """
    contract = contracts()[action.playbook]
    if not (action.undo and "heal_after" in contract.options):
        raise ArgumentError(f"{action}: it does not end by itself, so it can't be given {seconds} s")
    others = {name: value for name, value in action.arguments.items() if name not in ("heal_after", "seconds")}
    return replace(action, arguments=contract.check({**others, "heal_after": seconds}))


def lasts(action: Action) -> int | None:
    """Return the duration of a fault in seconds; None when it does not end by itself, or the action leaves no fault.

    Example:
        >>> lasts(for_verb("service", "freeze", nodes, service="keystone", seconds=10))
        10
    """
    if action.undo is None:
        return None
    options = contracts()[action.playbook].options
    given = (action.arguments.get(name, options[name].default) for name in ENDS if name in options)
    seconds = next((each for each in given if each is not None), _NEVER)
    return None if seconds == _NEVER else int(seconds)


def ends_after(action: Action) -> float | None:
    """Return the seconds from now after which the nodes end a fault by themselves; None when they do not.

    Example:
        >>> ends_after(for_verb("service", "freeze", nodes, service="keystone", seconds=10))
        10.0
    """
    seconds = lasts(action)
    now = time.time()
    begins_after = max(0.0, epoch_of(action.arguments.get(AT.name, now), now) - now)
    return None if seconds is None else begins_after + seconds


def with_start_time(action: Action, now: float) -> Action:
    """Return an action with a fixed start time: a delay counts from ``now``, and prolongs the timeout of the run.

    Args:
        action: any action; one without a start time is returned as it is.
        now: seconds since the epoch.

    Raises:
        ArgumentError: the start time has passed.
    """
    at = action.arguments.get(AT.name)
    if at is None:
        return action
    start = epoch_of(at, now)
    if start <= now:
        raise ArgumentError(f"{action}: its start time (at) passed {now - start:.1f} s ago, so nothing was done")
    return replace(action, arguments={**action.arguments, AT.name: start}, timeout=action.timeout + start - now)


def _patience(contract: Contract, given: Mapping[str, Any]) -> float:
    """Return the seconds that the verb itself may take: the longest of the times in its contract."""
    named = (name for name in contract.options if name.endswith(("timeout", "duration")))
    return max([PATIENCE, *(float(given.get(name, contract.options[name].default) or 0) for name in named)])


def power_state(nodes: Iterable[Node]) -> Action:
    """Return the action that asks the machines of nodes for their power states."""
    return for_playbook("node_power_state.yml", nodes, verb="power_state", subject="nodes")


def for_playbook(playbook: str, nodes: Iterable[Node], *, verb: str, subject: str, **arguments: Any) -> Action:
    """Return the action that runs a playbook without verbs: it only reads, or heals.

    Args:
        playbook: its file name.
        nodes: the nodes to act on.
        verb: its name, for people and records.
        subject: its subject, for people.
        arguments: the playbook's options.

    Raises:
        ArgumentError: the contract refuses an argument.
    """
    contract = contracts()[playbook]
    return Action(
        verb,
        playbook,
        tuple(nodes),
        contract.check(arguments),
        subject,
        harmless=True,
        from_outside=contract.from_outside,
    )
