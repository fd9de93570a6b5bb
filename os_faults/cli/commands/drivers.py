"""``os-faults drivers``: lists the drivers."""

from __future__ import annotations

import click

from os_faults.cli import tables
from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.cli.terminal import say


@command("drivers")
@click.pass_obj
def drivers(session: Session) -> None:
    """List the drivers of os-faults and of other packages."""
    from os_faults.registry import KINDS, get, names

    rows = [
        {"kind": kind, "driver": name, "description": get(kind, name).DESCRIPTION}
        for kind in KINDS
        for name in names(kind)
    ]
    if session.out.is_document or tables.is_terminal():
        session.out.table("drivers", ("kind", "driver", "description"), rows)
        return
    for row in sorted(rows, key=lambda row: (row["driver"], row["kind"])):  # a list of names in YAML, with comments
        say(f"- {row['driver']:12}  # {row['kind']}: {row['description']}")
