"""``os-faults faults``: lists the faults that nodes hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from os_faults.cli import incomplete
from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.errors import AnsibleExecutionException, OSFException
from os_faults.system.text import span

if TYPE_CHECKING:
    from os_faults.model import Fault


@command("faults")
@click.pass_obj
def faults(session: Session) -> None:
    """List the faults that the nodes hold now; each node reports its own.

    "not in force" is a fault whose effect somebody else has ended, as by flushing all rules; heal still undoes it.
    A node that this controller powered off or cut off can't report: its fault comes from the journal, as "held".
    """
    from os_faults.faults.listing import faults_of

    with session.connected() as cloud:
        failure: OSFException | None = None
        try:
            found = cloud.faults()
        except AnsibleExecutionException as error:
            failure = error
            found = faults_of(error.result) if error.result is not None else []
        columns = ("node", "id", "fault", "subject", "state", "since", "ends_in", "by")
        rows = [_fault(fault, session.out.is_document) for fault in found]
        session.out.table("faults", columns, rows, wide=("fault", "subject"), **incomplete.as_data(failure))
        if failure is not None:
            raise failure


def _fault(fault: Fault, exact: bool) -> dict[str, Any]:
    """Return the row of a fault; if ``exact``, ``since`` and ``ends_in`` are numbers for programs."""
    left = fault.left
    return {
        "node": fault.node,
        "id": fault.id,
        "fault": fault.verb,
        "subject": fault.subject,
        "state": fault.state,
        "since": fault.since if exact else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(fault.since)),
        "until": fault.until,
        "ends_in": (None if left is None else round(left, 1)) if exact else span(left),
        "in_force_seconds": fault.in_force_seconds,
        "by": fault.by,
    }
