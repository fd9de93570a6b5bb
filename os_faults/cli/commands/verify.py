"""``os-faults verify``: checks that every node can be used."""

from __future__ import annotations

import click

from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.errors import AnsibleExecutionException


@command("verify")
@click.pass_obj
def verify(session: Session) -> None:
    """Check that every node can be reached and used, and print the result of each."""
    with session.connected() as cloud:
        try:
            result = cloud.verify()
        except AnsibleExecutionException as error:
            if error.result is not None:
                session.out.result(error.result)
            raise
        session.out.result(result)
