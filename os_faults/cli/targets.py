"""``--on``: the nodes that a verb acts on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from os_faults.cli import names
from os_faults.cli.terminal import say

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.component import Component
    from os_faults.model import Action
    from os_faults.nodes import NodeCollection


def option() -> click.Option:
    """Return the option ``--on``."""
    return click.Option(
        ["--on"],
        default="all",
        show_default=True,
        metavar="all|one|NUMBER|NAME[,NAME...]",
        shell_complete=names.nodes,
        help="Nodes: all (of the service, if there is one), one or NUMBER of them at random (of a verb that undoes, "
        "those that hold the fault), or these names.",
    )


def choose(
    cloud: Cloud, on: str, component: Component | None, action: Callable[[NodeCollection], Action]
) -> NodeCollection:
    """Return the nodes of ``--on``.

    Args:
        cloud: the cloud.
        on: ``all``, ``one``, a number, or names joined by commas.
        component: choose among its nodes; among all nodes of the cloud when None.
        action: what is to be done on some nodes.

    Raises:
        NodeCollectionError: a name is not known, or there are too few nodes.
        ServiceError, ContainerError: no node has the component.
    """
    count = 1 if on == "one" else int(on) if on.isdecimal() else None
    if on != "all" and count is None:
        return cloud.get_nodes([name.strip() for name in on.split(",") if name.strip()])
    nodes = cloud.get_nodes() if component is None else component.get_nodes()
    if count is None:
        return nodes
    picked = cloud.chosen(action(nodes), count)
    say(f"os-faults: seed {cloud.seed} picked {', '.join(picked.get_fqdns())}", err=True)
    return picked
