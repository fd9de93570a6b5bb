"""``os-faults services``: lists the services."""

from __future__ import annotations

import click

from os_faults.cli import incomplete
from os_faults.cli.globals import command
from os_faults.cli.session import Session


@command("services")
@click.pass_obj
def services(session: Session) -> None:
    """List the known services and their nodes."""
    with session.connected() as cloud:
        failure = incomplete.failure_of(cloud)
        rows = [
            {"service": name, "nodes": cloud.get_service(name).get_nodes(silent=True).get_fqdns()}
            for name in cloud.list_services()
        ]
        session.out.table("services", ("service", "nodes"), rows, **incomplete.as_data(failure))
        if failure is not None:
            raise failure
