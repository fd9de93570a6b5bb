"""``os-faults heal``: undoes every fault."""

from __future__ import annotations

import click

from os_faults.cli.commands.inject import dry_run_option, show
from os_faults.cli.globals import Command
from os_faults.cli.session import Session

_PLAYBOOK = "heal.yml"


class Heal(Command):
    """The command; its options come from the contract, which is read when they are needed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options."""
        from os_faults.actions import contracts
        from os_faults.cli.contracts import parameters

        return [*parameters(contracts()[_PLAYBOOK]), *super().get_params(ctx)]


@click.pass_obj
def _heal(session: Session, /, dry_run: bool, fault_ids: list[str] | None) -> None:
    with session.connected() as cloud:
        if dry_run:
            show(session, cloud, cloud.healing(fault_ids or ()))
            return
        result = cloud.heal(fault_ids or (), check=False)
        session.out.result(result)
        result.raise_for_status()


heal = Heal(
    "heal",
    callback=_heal,
    params=[dry_run_option()],
    help="Undo every fault of os-faults on every node, those of other users too; safe to repeat.\n\n"
    "Nodes that were powered off from here are powered on first, and waited for until they answer.",
)
