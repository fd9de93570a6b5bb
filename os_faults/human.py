"""Sentences: ``human_api(cloud, "restart keystone service on one node")``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, overload

from os_faults.actions import contracts
from os_faults.actions.contract import find_verb
from os_faults.container import Container
from os_faults.sentences import Form, Holder, Meaning, Where, forms_of, understand

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.component import Component
    from os_faults.model import Action, Result
    from os_faults.nodes import NodeCollection


@overload
def human_api(cloud: Cloud, command: str) -> Result: ...
@overload
def human_api(cloud: Cloud, command: list[str]) -> tuple[Result, ...]: ...
def human_api(cloud: Cloud, command: str | list[str]) -> Result | tuple[Result, ...]:
    """Perform a sentence, or several sentences in one playbook run.

    Args:
        cloud: the cloud that ``connect()`` returns.
        command: a sentence, or a list of sentences; `docs/sentences.md` has the grammar.

    Returns:
        The result, with one entry per node; for a list, one result for each sentence, see `Cloud.perform_all`.

    Raises:
        SentenceError: a sentence is not fully understood; nothing was touched.
        OSFError: an error of the verb itself.

    Example:
        >>> os_faults.human_api(cloud, "freeze keystone service on one node for 30 seconds")
        >>> os_faults.human_api(cloud, ["restart keystone service", "kill mysql service on one node"])
    """
    if isinstance(command, str):
        return cloud.perform(action_of(cloud, command))
    results = cloud.perform_all([action_of(cloud, sentence) for sentence in command])
    for result in results:
        result.raise_for_status()
    return results


def action_of(cloud: Cloud, command: str) -> Action:
    """Return the action of a sentence, fully checked; nodes may be discovered for it, and nothing is touched.

    Raises:
        SentenceError: the sentence is not fully understood.
        OSFError: there is no such service or node, or the contract of the verb refuses an option.
    """
    meaning = understand(command, forms())
    if meaning.subject is None:
        return _of_nodes(cloud, meaning)
    service = _component(cloud, meaning.subject)
    far_end = {"direction": meaning.peer.direction, "other": _component(cloud, meaning.peer)} if meaning.peer else {}
    options = {**meaning.options, **far_end}
    nodes = _nodes_with(cloud, service, meaning)
    if nodes is not None and meaning.where.count is not None:
        nodes = cloud.chosen(service.action(meaning.verb, nodes, **options), meaning.where.count)
    return service.action(meaning.verb, nodes, **options)


def _of_nodes(cloud: Cloud, meaning: Meaning) -> Action:
    nodes, count = _nodes(cloud, meaning.where), meaning.where.count
    if count is not None:
        nodes = cloud.chosen(nodes.possible(meaning.verb, **meaning.options), count)
    return nodes.action(meaning.verb, **meaning.options)


@cache
def forms() -> tuple[Form, ...]:
    """Return the forms of all verbs of the bundled playbooks."""
    return forms_of(contracts().values())


def _component(cloud: Cloud, holder: Holder) -> Component:
    """Return the service or container that a sentence names, in upper or lower case."""
    if holder.kind == Container.KIND:
        return cloud.get_container(_as_written(holder.name, cloud.list_containers()))
    return cloud.get_service(_as_written(holder.name, cloud.list_services()))


def _as_written(name: str, known: Iterable[str]) -> str:
    same = [each for each in known if each.lower() == name.lower()]
    return same[0] if len(same) == 1 else name


def _nodes(cloud: Cloud, where: Where) -> NodeCollection:
    """Return the nodes of a sentence about nodes; those among which it chooses, if it does."""
    if where.names:
        return _named(cloud, where)
    component = _component(cloud, where.holder) if where.holder else None
    nodes = component.get_nodes() if component else cloud.get_nodes()
    if component and not nodes:
        raise component.ERROR(f"no node has {component.name} {component.KIND}: nothing was done")
    return nodes


def _nodes_with(cloud: Cloud, component: Component, meaning: Meaning) -> NodeCollection | None:
    """Return the nodes of a sentence about a service or container; None for all that have it.

    If it chooses some, they are those among which it does: for a verb that breaks the component, where it runs.
    """
    where = meaning.where
    if where.names:
        return _named(cloud, where)
    if where.count is None and where.holder is None:
        return None
    broken = where.count is not None and find_verb(contracts(), component.KIND, meaning.verb).breaks(meaning.verb)
    nodes = component.get_nodes(running=broken)
    if where.holder:
        nodes &= _component(cloud, where.holder).get_nodes()
    if not nodes:
        beside = f" beside {where.holder.name} {where.holder.kind}" if where.holder else ""
        what = f"{component.name} {component.KIND} {'runs' if broken else 'is'}"
        raise component.ERROR(f"{what} on no node{beside}: nothing was done")
    return nodes


def _named(cloud: Cloud, where: Where) -> NodeCollection:
    """Return the nodes that a sentence names; they must have the component that it mentions."""
    nodes = cloud.get_nodes(where.names)
    component = _component(cloud, where.holder) if where.holder else None
    if component and (without := nodes - component.get_nodes()):
        raise component.ERROR(
            f"{', '.join(without.get_fqdns())} does not have {component.name} {component.KIND}: nothing was done"
        )
    return nodes
