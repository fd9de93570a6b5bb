"""From a verb and its arguments to an `Action`: checked against the contract, nothing touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from os_faults.contract import Contract, find_verb, load_contracts
from os_faults.model import Action, Node
from os_faults.resources import playbooks_dir

#: Seconds that a run may take beyond what its verb waits for on the host.
RUN_MARGIN = 120.0


@cache
def contracts() -> Mapping[str, Contract]:
    """Return the contracts of the bundled playbooks, by file name; read once."""
    return load_contracts(playbooks_dir())


def for_verb(
    kind: str, verb: str, nodes: Iterable[Node], *, subject: str = "nodes", limit: float = 300.0, **arguments: Any
) -> Action:
    """Return the action for a verb, with its arguments checked by the contract of its playbook.

    Args:
        kind: what the verb acts on: ``service`` or ``node``.
        verb: the word, as in the contract.
        nodes: whom it is done to.
        subject: what it is done to, for people.
        limit: seconds that the verb itself may wait on the host.
        arguments: the playbook's options; those that are None are left to its defaults.

    Raises:
        ArgumentError: the verb is unknown, or its contract refuses an argument.

    Example:
        >>> for_verb("service", "restart", nodes, subject="keystone service", service="keystone").arguments
        {'service': 'keystone', 'service_action': 'restart'}
    """
    contract = find_verb(contracts(), kind, verb)
    option = str(contract.verbs_from)
    checked = contract.check({option: verb, **arguments})
    undo = contract.undo_of(verb)
    return Action(
        verb=verb,
        playbook=contract.playbook,
        nodes=tuple(nodes),
        arguments=checked,
        subject=subject,
        undo={**checked, option: undo} if undo else {},
        timeout=limit + RUN_MARGIN,
    )


def for_playbook(playbook: str, nodes: Iterable[Node], *, verb: str, subject: str, **arguments: Any) -> Action:
    """Return the action that runs a playbook without verbs (discover, verify, faults, heal).

    Args:
        playbook: its file name.
        nodes: whom it asks.
        verb: the word for it, for people and records.
        subject: what it is done to, for people.
        arguments: the playbook's options.

    Raises:
        ArgumentError: the contract refuses an argument.
    """
    return Action(verb, playbook, tuple(nodes), contracts()[playbook].check(arguments), subject)
