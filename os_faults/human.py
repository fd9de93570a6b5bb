"""The mouth that understands sentences: ``human_api(cloud, "restart keystone service on one node")``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from os_faults.actions import contracts
from os_faults.contract import find_verb
from os_faults.errors import ServiceError
from os_faults.sentences import Form, Holder, Meaning, Where, forms_of, understand

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.model import Action, Result
    from os_faults.nodes import NodeCollection
    from os_faults.service import Service


def human_api(cloud: Cloud, command: str) -> Result:
    """Do what a sentence says.

    Args:
        cloud: as ``connect()`` returns it.
        command: the sentence; `docs/sentences.md` has the grammar.

    Returns:
        What was done, one entry per node.

    Raises:
        SentenceError: the sentence is not understood whole; nothing was touched.
        OSFError: whatever the verb itself raises.

    Example:
        >>> os_faults.human_api(cloud, "freeze keystone service on one node for 30 seconds")
    """
    return cloud.perform(action_of(cloud, command))


def action_of(cloud: Cloud, command: str) -> Action:
    """Return what a sentence would do, fully checked; nodes may be asked who they are, and nothing is touched.

    Raises:
        SentenceError: the sentence is not understood whole.
        OSFError: there is no such service or node, or the contract of the verb refuses an option.
    """
    meaning = understand(command, forms())
    if meaning.subject is None:
        return _nodes(cloud, meaning.where).action(meaning.verb, **meaning.options)
    service = _thing(cloud, meaning.subject)
    far_end = {"direction": meaning.peer.direction, "other": _thing(cloud, meaning.peer)} if meaning.peer else {}
    return service.action(meaning.verb, _nodes_with(cloud, service, meaning), **meaning.options, **far_end)


@cache
def forms() -> tuple[Form, ...]:
    """Return all that can be said: the verbs of the bundled playbooks, and how."""
    return forms_of(contracts().values())


def _thing(cloud: Cloud, holder: Holder) -> Service:
    """Return what a sentence names; a name that is written in another case means the one that there is."""
    same = [name for name in cloud.list_services() if name.lower() == holder.name.lower()]
    return cloud.get_service(same[0] if len(same) == 1 else holder.name)


def _nodes(cloud: Cloud, where: Where) -> NodeCollection:
    """Return the nodes that a sentence about nodes means."""
    if where.names:
        return _named(cloud, where)
    nodes = _thing(cloud, where.holder).get_nodes() if where.holder else cloud.get_nodes()
    if where.holder and not nodes:
        raise ServiceError(f"no node has {where.holder.name} {where.holder.kind}: nothing was done")
    return nodes if where.count is None else nodes.pick(where.count)


def _nodes_with(cloud: Cloud, service: Service, meaning: Meaning) -> NodeCollection | None:
    """Return the nodes that a sentence about a service means; None for all that have it.

    Of several a random one is one where the service runs, where it is about to be broken.
    """
    where = meaning.where
    if where.names:
        return _named(cloud, where)
    if where.count is None and where.holder is None:
        return None
    broken = where.count is not None and find_verb(contracts(), "service", meaning.verb).breaks(meaning.verb)
    nodes = service.get_nodes(running=broken)
    if where.holder:
        nodes &= _thing(cloud, where.holder).get_nodes()
    if not nodes:
        beside = f" beside {where.holder.name} {where.holder.kind}" if where.holder else ""
        raise ServiceError(f"{service.name} service {'runs' if broken else 'is'} on no node{beside}: nothing was done")
    return nodes if where.count is None else nodes.pick(where.count)


def _named(cloud: Cloud, where: Where) -> NodeCollection:
    """Return the nodes with the names that a sentence says; they must have what it says of them."""
    nodes = cloud.get_nodes(where.names)
    if where.holder and (without := nodes - _thing(cloud, where.holder).get_nodes()):
        names = ", ".join(without.get_fqdns())
        raise ServiceError(f"{names} does not have {where.holder.name} {where.holder.kind}: nothing was done")
    return nodes
