"""The guard rails on the command line: ``--limit`` and ``--yes``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from os_faults.errors import ArgumentError, GuardRailError
from os_faults.system.text import printable

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.model import Action


def _limit(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse an invalid limit before the configuration is read."""
    from os_faults.actions.guards import Limit

    try:
        return value if value is None else Limit(value, "this call").text
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx, param) from error


def options() -> list[click.Parameter]:
    """Return the options of a verb that breaks something."""
    return [
        click.Option(
            ["--limit"],
            callback=_limit,
            metavar="NUMBER|SHARE",
            help="Refuse more nodes than this: a number (2) or a share (50%) of the service's nodes, or of all nodes. "
            "The lower of this and the configuration's limit binds.",
        ),
        click.Option(["--yes"], is_flag=True, help="Do not ask before a fault on every node of the cloud."),
    ]


def confirm(cloud: Cloud, action: Action) -> None:
    """Ask for confirmation before an action breaks something on every node; refuse it without a terminal.

    Raises:
        GuardRailError: the action is not confirmed.
    """
    from os_faults.actions.guards import is_whole

    if not is_whole(action, cloud.known_nodes()):
        return
    what = f"{action} on every node of the cloud ({len(action.nodes)})"
    if sys.stdin.isatty():
        if click.confirm(printable(f"os-faults: {what}?"), err=True):
            return
        raise GuardRailError(f"{what}: not confirmed, nothing was touched")
    raise GuardRailError(f"{what}: nothing was touched; confirm with --yes, or choose nodes with --on")
