"""``os-faults containers``: lists the containers."""

from __future__ import annotations

import click

from os_faults.cli import components
from os_faults.cli.globals import command
from os_faults.cli.session import Session


@command("containers")
@click.pass_obj
def containers(session: Session) -> None:
    """List the known containers and their nodes."""
    components.show(session, "container", lambda cloud: map(cloud.get_container, cloud.list_containers()))
