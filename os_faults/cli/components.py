"""Listings of services and of containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from os_faults.cli import incomplete
from os_faults.cli.session import Session

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.component import Component


def show(session: Session, kind: str, all_of: Callable[[Cloud], Iterable[Component]]) -> None:
    """Print a table of components and their nodes.

    Args:
        session: the call of the command.
        kind: ``service`` or ``container``.
        all_of: returns the known components of a cloud.

    Raises:
        OSFException: a node did not answer; what is known of it from earlier sessions is in the table.
    """
    with session.connected() as cloud:
        failure = incomplete.failure_of(cloud)
        rows = [{kind: each.name, "nodes": each.get_nodes(silent=True).get_fqdns()} for each in all_of(cloud)]
        session.out.table(f"{kind}s", (kind, "nodes"), rows, **incomplete.as_data(failure))
        if failure is not None:
            raise failure
