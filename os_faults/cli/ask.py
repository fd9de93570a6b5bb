"""Commands that only ask: ``verify``, ``nodes``, ``services``, ``faults``, ``inventory``."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from os_faults.cli.globals import command
from os_faults.cli.passwords import hint_at_passwords
from os_faults.cli.session import Session
from os_faults.cli.terminal import say_json
from os_faults.errors import AnsibleExecutionException, CloudManagementError, OSFException

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.model import Fault, Node

LOG = logging.getLogger(__name__)


@command("verify")
@click.pass_obj
def verify(session: Session) -> None:
    """Prove that every node can be reached and used, and say what was found there."""
    with session.connected() as cloud:
        try:
            result = cloud.verify()
        except AnsibleExecutionException as error:
            if error.result is not None:
                session.out.result(error.result)
            raise
        session.out.result(result)


@command("nodes")
@click.option("--power", is_flag=True, help="Ask their machines too whether they are on; who is off need not answer.")
@click.pass_obj
def nodes(session: Session, power: bool) -> None:
    """List the nodes: name, address, MAC address, how many services."""
    with session.connected() as cloud:
        failure = _failure_of(cloud)
        found = cloud.known_nodes() if failure else list(cloud.get_nodes())
        rows = [_node(node) for node in found]
        columns = ["fqdn", "ip", "mac", "services"]
        if power:
            states, broken = _power(cloud, found)
            rows = [{**row, "power": states.get(row["fqdn"])} for row in rows]
            columns.append("power")
            silent_ones_are_off = all(row["power"] == "off" for row in rows if row["last_seen"])
            failure = broken or (None if silent_ones_are_off else failure)
        columns += ["last_seen"] if any(row["last_seen"] for row in rows) else []
        session.out.listing("nodes", columns, rows, **_incomplete(failure))
        if failure is not None:
            raise failure


@command("services")
@click.pass_obj
def services(session: Session) -> None:
    """List the services that are known, and the nodes that have them."""
    with session.connected() as cloud:
        failure = _failure_of(cloud)
        rows = [
            {"service": name, "nodes": cloud.get_service(name).get_nodes(silent=True).get_fqdns()}
            for name in cloud.list_services()
        ]
        session.out.table("services", ("service", "nodes"), rows, **_incomplete(failure))
        if failure is not None:
            raise failure


@command("containers")
@click.pass_obj
def containers(session: Session) -> None:
    """List the containers that are known, and the nodes that have them."""
    with session.connected() as cloud:
        failure = _failure_of(cloud)
        rows = [
            {"container": name, "nodes": cloud.get_container(name).get_nodes(silent=True).get_fqdns()}
            for name in cloud.list_containers()
        ]
        session.out.table("containers", ("container", "nodes"), rows, **_incomplete(failure))
        if failure is not None:
            raise failure


@command("faults")
@click.pass_obj
def faults(session: Session) -> None:
    """List the faults that the nodes hold at this moment, as the nodes themselves tell.

    A node that was powered off or cut off from here can't tell: its fault is "held", by the journal of this controller.
    """
    from os_faults.faults.listing import faults_of

    with session.connected() as cloud:
        failure: OSFException | None = None
        try:
            found = cloud.faults()
        except AnsibleExecutionException as error:
            failure = error
            found = faults_of(error.result) if error.result is not None else []
        now = time.time()
        columns = ("node", "fault", "subject", "state", "since", "ends_in", "by")
        session.out.table(
            "faults", columns, [_fault(fault, now, session.out.json) for fault in found], **_incomplete(failure)
        )
        if failure is not None:
            raise failure


@command(
    "inventory",
    help="Print Ansible's inventory of the nodes, as JSON for 'ansible-playbook -i FILE'.\n\n"
    "No password is in it. As an executable inventory, which asks the nodes each time, it is one line:\n\n"
    '\b\n  #!/bin/sh\n  exec os-faults inventory "$@"',
)
@click.option("--list", "as_list", is_flag=True, help="All of it, as Ansible asks an executable inventory for it.")
@click.option("--host", metavar="NAME", help="The variables of one node, as Ansible asks for them.")
@click.pass_obj
def inventory(session: Session, as_list: bool, host: str | None) -> None:
    """Print the inventory."""
    from os_faults.ansible.inventory import to_list_json
    from os_faults.errors import NodeCollectionError, did_you_mean

    with session.connected() as cloud:
        failure = _failure_of(cloud)
        nodes = cloud.known_nodes()
        if failure is not None and all(node.last_seen for node in nodes):
            raise failure
        for node, why in cloud.unreachable.items():
            LOG.warning("%s is in the inventory as it was last, since it did not answer: %s", node, why)
        tree = cloud.inventory(nodes)
        if host is None:
            hint_at_passwords(nodes)
            say_json(to_list_json(tree) if as_list else tree)
            return
        known = tree["all"]["hosts"]
        if host not in known:
            raise NodeCollectionError(f"no node {host!r} in the cloud: {did_you_mean(host, known)}")
        say_json({**tree["all"].get("vars", {}), **known[host]})


def _failure_of(cloud: Cloud) -> OSFException | None:
    """Return why not all nodes of a cloud are known by what they answer; None when they are."""
    try:
        cloud.get_nodes()
    except (AnsibleExecutionException, CloudManagementError) as error:
        return error
    return None


def _power(cloud: Cloud, nodes: Iterable[Node]) -> tuple[Mapping[str, str | None], OSFException | None]:
    """Return the power states that could be found out, and why others could not."""
    from os_faults.nodes import NodeCollection

    try:
        return NodeCollection(nodes, cloud).power_state(), None
    except AnsibleExecutionException as error:
        told = error.result.items() if error.result else ()
        return {name: host.payload.get("power_state") for name, host in told}, error


def _node(node: Node) -> dict[str, Any]:
    return {
        "fqdn": node.fqdn,
        "ip": node.ip,
        "mac": node.mac,
        "services": len(node.units),
        "units": {name: list(units) for name, units in node.units.items()},
        "last_seen": f"unreachable, last seen {node.last_seen}" if node.last_seen else None,
    }


def _fault(fault: Fault, now: float, exact: bool) -> dict[str, Any]:
    """Return a row; for programs ``since`` and ``ends_in`` are numbers."""
    left = None if fault.until is None else max(0.0, fault.until - now)
    return {
        "node": fault.node,
        "id": fault.id,
        "fault": fault.verb,
        "subject": fault.subject,
        "state": fault.state,
        "since": fault.since if exact else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(fault.since)),
        "until": fault.until,
        "ends_in": (None if left is None else round(left, 1)) if exact else _span(left),
        "by": fault.by,
    }


def _span(seconds: float | None) -> str:
    """Return a time as people read it.

    Example:
        >>> _span(1795), _span(None)
        ('29m55s', 'never')
    """
    if seconds is None:
        return "never"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def _incomplete(failure: OSFException | None) -> dict[str, Any]:
    """Return what a document says when some nodes did not answer."""
    if failure is None:
        return {}
    return {"error": {"type": type(failure).__name__, "message": str(failure), "exit_code": failure.exit_code}}
