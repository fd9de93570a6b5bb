"""``os-faults runs``: the directories of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from os_faults.cli.globals import Group, command
from os_faults.cli.session import Session
from os_faults.cli.terminal import say
from os_faults.errors import OSFError
from os_faults.system.text import aligned, as_counted, printable

if TYPE_CHECKING:
    from os_faults.ansible.kept_runs import KeptRun


@command("list")
@click.pass_obj
def _list(session: Session) -> None:
    """List the runs, the last one at the end."""
    from os_faults.ansible.kept_runs import kept_in

    base = session.runs_dir()
    rows = [_row(run) for run in kept_in(base)]
    session.out.table("runs", ("run", "action", "status", "nodes", "seconds"), rows, directory=str(base))


@command("show")
@click.argument("run")
@click.pass_obj
def _show(session: Session, run: str) -> None:
    """Show a run: its action, its nodes, and the output of ansible-playbook.

    RUN: its name, the beginning of it, or the word last.
    """
    from os_faults.ansible.kept_runs import find

    found = find(session.runs_dir(), run)
    row = {**_row(found), "directory": str(found.directory)}
    if session.out.is_document:
        session.out.document(run=row, record=dict(found.record), output=found.output)
        return
    for line in [*aligned([[word, _text(value)] for word, value in row.items()]), *aligned(_results(found.record))]:
        say(line)
    say(f"\n{found.output.strip()}" if found.output else "no output of ansible-playbook", err=not found.output)


@command("prune")
@click.option("--older", default="7d", show_default=True, metavar="DURATION", help="Remove runs older than this.")
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@click.pass_obj
def _prune(session: Session, older: str, dry_run: bool) -> None:
    """Remove old runs; faults and their undo do not depend on them."""
    from os_faults.ansible.kept_runs import older as runs_older
    from os_faults.ansible.kept_runs import remove
    from os_faults.model.duration import whole_seconds

    try:
        before = datetime.now(UTC) - timedelta(seconds=whole_seconds(older))
    except ValueError as error:
        raise click.BadParameter(f"it must be {error}, got: {older}", param_hint="--older") from None
    base = session.runs_dir()
    try:
        old = runs_older(base, before)
        remove([] if dry_run else old)
    except OSError as error:
        raise OSFError(f"can't remove {error.filename}: {error.strerror}") from None
    if session.out.is_document:
        session.out.document(removed=[] if dry_run else [_row(run) for run in old], older=[_row(run) for run in old])
        return
    for run in old:
        say(run.directory.name)
    say(f"runs {'to be removed' if dry_run else 'removed'} from {base}: {len(old)}", err=True)


def _row(run: KeptRun) -> dict[str, Any]:
    record = run.record
    return {
        "run": run.directory.name,
        "action": f"{record.get('verb', '')} {record.get('subject', '')}".strip() or None,
        "status": run.status,
        "nodes": len(record["nodes"]) if isinstance(record.get("nodes"), list) else None,
        "seconds": record.get("seconds"),
    }


def _results(record: Mapping[str, Any]) -> list[list[str]]:
    results = record.get("results")
    hosts = results if isinstance(results, dict) else {}
    return [
        [f"  {printable(name)}", *(_text(hosts[name].get(key)) for key in ("status", "message"))]
        for name in sorted(hosts, key=as_counted)
        if isinstance(hosts[name], dict)
    ]


def _text(value: object) -> str:
    return "-" if value is None else printable(" ".join(str(value).split()))


runs = Group("runs", no_args_is_help=True, help="List, show and remove the directories that runs leave.")
runs.word = "command"
for _command in (_list, _show, _prune):
    runs.add_command(_command)
