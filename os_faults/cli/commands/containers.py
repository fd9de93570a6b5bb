"""``os-faults containers``: lists the containers."""

from __future__ import annotations

import click

from os_faults.cli import incomplete
from os_faults.cli.globals import command
from os_faults.cli.session import Session


@command("containers")
@click.pass_obj
def containers(session: Session) -> None:
    """List the known containers and their nodes."""
    with session.connected() as cloud:
        failure = incomplete.failure_of(cloud)
        rows = [
            {"container": name, "nodes": cloud.get_container(name).get_nodes(silent=True).get_fqdns()}
            for name in cloud.list_containers()
        ]
        session.out.table("containers", ("container", "nodes"), rows, **incomplete.as_data(failure))
        if failure is not None:
            raise failure
