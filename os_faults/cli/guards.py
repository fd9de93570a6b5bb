"""The guard rails that one call may set: ``--limit``."""

from __future__ import annotations

import click

from os_faults.errors import ArgumentError


def _limit(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no limit before the configuration is read."""
    from os_faults.guards import Limit

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
    ]
