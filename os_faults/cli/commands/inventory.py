"""``os-faults inventory``: prints Ansible's inventory."""

from __future__ import annotations

import logging

import click

from os_faults.cli import incomplete
from os_faults.cli.globals import command
from os_faults.cli.passwords import hint_at_passwords
from os_faults.cli.session import Session
from os_faults.cli.terminal import say_json

LOG = logging.getLogger(__name__)


@command(
    "inventory",
    help="Print Ansible's inventory of the nodes, as JSON for 'ansible-playbook -i FILE'.\n\n"
    "It has no passwords. As an executable inventory, which asks the nodes at each run, it is one line:\n\n"
    '\b\n  #!/bin/sh\n  exec os-faults inventory "$@"',
)
@click.option("--list", "as_list", is_flag=True, help="Print all of it: Ansible's option for executable inventories.")
@click.option(
    "--host", metavar="NAME", help="Print the variables of one node: Ansible's option for executable inventories."
)
@click.pass_obj
def inventory(session: Session, as_list: bool, host: str | None) -> None:
    """Print the inventory."""
    from os_faults.ansible.inventory import to_list_json
    from os_faults.errors import NodeCollectionError, did_you_mean

    with session.connected() as cloud:
        failure = incomplete.failure_of(cloud)
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
