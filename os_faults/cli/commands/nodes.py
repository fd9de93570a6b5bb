"""``os-faults nodes``: lists the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from os_faults.cli import incomplete
from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.errors import AnsibleExecutionException, OSFException

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.model import Node


@command("nodes")
@click.option(
    "--power",
    is_flag=True,
    help="Also ask the BMC or hypervisor for the power state; nodes that are off are not an error.",
)
@click.pass_obj
def nodes(session: Session, power: bool) -> None:
    """List the nodes: name, address, MAC address, number of services."""
    with session.connected() as cloud:
        failure = incomplete.failure_of(cloud)
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
        session.out.listing("nodes", columns, rows, **incomplete.as_data(failure))
        if failure is not None:
            raise failure


def _power(cloud: Cloud, nodes: Iterable[Node]) -> tuple[Mapping[str, str | None], OSFException | None]:
    """Return the known power states, and the error for the others."""
    from os_faults.nodes import NodeCollection

    try:
        return NodeCollection(nodes, cloud).power_state(), None
    except AnsibleExecutionException as error:
        answers = error.result.items() if error.result else ()
        return {name: host.payload.get("power_state") for name, host in answers}, error


def _node(node: Node) -> dict[str, Any]:
    return {
        "fqdn": node.fqdn,
        "ip": node.ip,
        "mac": node.mac,
        "services": len(node.units),
        "units": {name: list(units) for name, units in node.units.items()},
        "last_seen": f"unreachable, last seen {node.last_seen}" if node.last_seen else None,
    }
