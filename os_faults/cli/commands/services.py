"""``os-faults services``: lists the services."""

from __future__ import annotations

import click

from os_faults.cli import components
from os_faults.cli.globals import command
from os_faults.cli.session import Session


@command("services")
@click.pass_obj
def services(session: Session) -> None:
    """List the known services and their nodes."""
    components.show(session, "service", lambda cloud: map(cloud.get_service, cloud.list_services()))
