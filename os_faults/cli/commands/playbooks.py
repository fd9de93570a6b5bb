"""``os-faults playbooks``: lists the playbooks."""

from __future__ import annotations

import click

from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.cli.terminal import say


@command("playbooks")
@click.option("--path", is_flag=True, help="Print only the directory of the playbooks.")
@click.pass_obj
def playbooks(session: Session, path: bool) -> None:
    """List the playbooks and their contracts; each also works with plain ansible-playbook."""
    from os_faults.actions import contracts
    from os_faults.cli.contracts import plain
    from os_faults.resources import playbooks_dir

    if path:
        if session.out.is_document:
            session.out.document(directory=str(playbooks_dir()))
        else:
            say(str(playbooks_dir()))
        return
    rows = [
        {
            "playbook": name,
            "subject": contract.subject,
            "verbs": [verb.name for verb in contract.verbs] if contract.verbs_from else [],
            "options": [option for option in contract.options if option != contract.verbs_from],
            "read_only": contract.read_only,
            "undone_by": dict(contract.undone_by),
            "only_for": {option: list(verbs) for option, verbs in contract.only_for.items()},
            "description": plain(contract.short_description),
        }
        for name, contract in contracts().items()
    ]
    columns = ("playbook", "subject", "verbs", "options", "description")
    session.out.table("playbooks", columns, rows, wide=("subject", "options"), directory=str(playbooks_dir()))
