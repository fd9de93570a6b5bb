"""``os-faults inject VERB …``: every verb of every contract, with its arguments."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from os_faults.cli import guards, targets
from os_faults.cli.globals import Command, Group
from os_faults.cli.passwords import hint_at_passwords
from os_faults.cli.session import Session
from os_faults.cli.terminal import say

if TYPE_CHECKING:
    from os_faults.actions.contract import Contract
    from os_faults.cloud import Cloud
    from os_faults.model import Action


class Verbs(Group):
    """A group with the verbs of the contracts as commands; the contracts are read when they are needed.

    Attributes:
        subjects: the subjects of the verbs, as in the contracts.
    """

    word = "verb"
    subjects: tuple[str, ...] = ("service", "node")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs, those of services first, and the groups of further verbs."""
        return [*_verbs(self.subjects), *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a verb, or a group of further verbs."""
        return self.commands.get(cmd_name) or self.command_of(cmd_name)

    def command_of(self, verb: str) -> Command | None:
        """Return the command of a verb; None when there is no such verb."""
        return command_of(verb, self.subjects, _inject, [dry_run_option()])


class ContainerVerbs(Verbs):
    """The verbs of containers; some have the same names as verbs of services."""

    subjects = ("container",)


def _verbs(subjects: Sequence[str]) -> dict[str, Contract]:
    """Return verb → contract, for all verbs of some subjects that change something."""
    from os_faults.actions import contracts as bundled

    contracts = [found for found in bundled().values() if found.verbs_from and not found.read_only]
    contracts.sort(key=lambda contract: contract.subject, reverse=True)
    fitting = [contract for contract in contracts if contract.subject in subjects]
    return {verb.name: contract for contract in fitting for verb in contract.verbs}


def command_of(
    verb: str, subjects: Sequence[str], callback: Callable[..., None], more: Sequence[click.Parameter] = ()
) -> Command | None:
    """Return the command of a verb; None when there is no such verb.

    Args:
        verb: the verb.
        subjects: its possible subjects.
        callback: called with contract, verb, session and the values of the command line.
        more: further options, beside those of the verb and of the guard rails.
    """
    contract = _verbs(subjects).get(verb)
    if contract is None:
        return None
    from os_faults.cli import contracts

    guarded = guards.options() if contract.breaks(verb) else []
    return Command(
        verb,
        callback=click.pass_obj(partial(callback, contract, verb)),
        params=[*contracts.parameters(contract, verb), targets.option(), *guarded, *more],
        help=contracts.help_of(contract, verb),
    )


def dry_run_option() -> click.Option:
    """Return the option ``--dry-run``."""
    return click.Option(
        ["--dry-run"],
        is_flag=True,
        help="Print the ansible-playbook command and change nothing; the nodes may be discovered for it.",
    )


def _inject(
    contract: Contract, verb: str, session: Session, on: str, dry_run: bool, yes: bool = False, **values: Any
) -> None:
    with session.connected() as cloud:
        action = action_of(cloud, contract, verb, on, values)
        if dry_run:
            show(session, cloud, [action])
            return
        if not yes:
            guards.confirm(cloud, action)
        result = cloud.perform(action, check=False)
        session.out.result(result)
        result.raise_for_status()


def action_of(cloud: Cloud, contract: Contract, verb: str, on: str, values: Mapping[str, Any]) -> Action:
    """Return the action of a command line, fully checked; nodes are discovered for it."""
    if contract.subject == "node":
        nodes = targets.choose(cloud, on, None, lambda among: among.possible(verb, **values))
        return nodes.action(verb, **values)
    options = dict(values)
    name = options.pop(contract.subject)
    component = cloud.get_container(name) if contract.subject == "container" else cloud.get_service(name)
    chosen = targets.choose(cloud, on, component, lambda among: component.action(verb, among, **options))
    return component.action(verb, chosen, **options)


def show(session: Session, cloud: Cloud, actions: Sequence[Action]) -> None:
    """Print the runs of actions: a command line each; with JSON, the last run with the earlier ones as ``before``."""
    runs = [_plan(cloud, action) for action in actions]
    if session.out.is_document:
        session.out.document(dry_run=True, **runs[-1], before=runs[:-1])
    else:
        for run in runs:
            say(run["line"])
    hint_at_passwords({node for action in actions for node in action.nodes})


def _plan(cloud: Cloud, action: Action) -> dict[str, Any]:
    directory, line = cloud.plan(action)
    return {
        "verb": action.verb,
        "subject": action.subject,
        "nodes": [node.fqdn for node in action.nodes],
        "arguments": dict(action.arguments),
        "command": line,
        "line": shlex.join(line),
        "directory": str(directory),
    }


inject = Verbs(
    "inject",
    no_args_is_help=True,
    subcommand_metavar="VERB ...",
    help="Inject a fault, undo one, or change the state of a service.\n\n"
    "Without --on a verb acts on all nodes of the service, or on all nodes of the cloud.",
)
inject.add_command(
    ContainerVerbs(
        "container",
        no_args_is_help=True,
        subcommand_metavar="VERB ...",
        help="Apply a verb to a container of docker or podman.",
    )
)
