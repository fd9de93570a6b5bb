"""``os-faults heal``: undoes every fault."""

from __future__ import annotations

import click

from os_faults.cli import names
from os_faults.cli.commands.inject import dry_run_option, show
from os_faults.cli.globals import Command
from os_faults.cli.session import Session
from os_faults.errors import ArgumentError

_PLAYBOOK = "heal.yml"


class Heal(Command):
    """The command; its options come from the contract, which is read when they are needed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options."""
        from os_faults.actions import contracts
        from os_faults.cli.contracts import parameters

        return [*parameters(contracts()[_PLAYBOOK]), *super().get_params(ctx)]


@click.pass_context
def _heal(ctx: click.Context, /, dry_run: bool, fault_ids: list[str] | None) -> None:
    session = ctx.ensure_object(Session)
    with session.connected() as cloud:
        if dry_run:
            show(session, cloud, cloud.healing(fault_ids or ()))
            return
        result = cloud.heal(fault_ids or (), check=False)
        session.out.result(result)
        result.raise_for_status()
        undone = any(host.payload.get("undone") for host in result.values())
        if fault_ids and not undone and not names.faults_of_journal(ctx).issuperset(fault_ids):  # not one that is over
            raise ArgumentError(f"no node holds {', '.join(fault_ids)}; 'os-faults faults' lists the ids of all faults")


heal = Heal(
    "heal",
    callback=_heal,
    params=[dry_run_option()],
    help="Undo every fault of os-faults on every node, those of other users too; safe to repeat.\n\n"
    "Nodes that were powered off from here are powered on first, and waited for until they answer.",
)
