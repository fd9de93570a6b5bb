"""``os-faults plan``: the effects of a command, and its obstacles."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any

import click

from os_faults.cli.commands.heal import Heal
from os_faults.cli.commands.inject import ContainerVerbs, Verbs, action_of, command_of
from os_faults.cli.globals import Command, Group
from os_faults.cli.session import Session
from os_faults.cli.terminal import say
from os_faults.errors import GuardRailError
from os_faults.model.start_time import is_delay
from os_faults.system.text import printable

if TYPE_CHECKING:
    from os_faults.actions.contract import Contract
    from os_faults.faults.plan import Preview


def _inject(contract: Contract, verb: str, session: Session, on: str, yes: bool = False, **values: Any) -> None:
    with session.connected() as cloud:
        preview = cloud.preview(action_of(cloud, contract, verb, on, values))
        _show(session, [preview])
        if preview.refusals:
            raise GuardRailError(f"{preview.action} would be refused: {'; '.join(preview.refusals)}")


@click.pass_obj
def _heal(session: Session, /, fault_ids: list[str] | None) -> None:
    with session.connected() as cloud:
        _show(session, [cloud.preview(action) for action in cloud.healing(fault_ids or ())])


def _show(session: Session, previews: list[Preview]) -> None:
    if session.out.is_document:
        session.out.document(plan=[_document(preview) for preview in previews])
        return
    for preview in previews:
        say("\n".join([str(preview.action), *(f"  {word:10} {printable(text)}" for word, text in _lines(preview))]))


def _lines(preview: Preview) -> list[tuple[str, str]]:
    """Return the lines of a plan for people: a word and a text each."""
    action = preview.action
    back = f"'{action.undo}' or 'os-faults heal'" if action.undo else "nothing; it leaves nothing to take back"
    ends = "until it is taken back" if preview.seconds is None else f"{preview.seconds} s, then the nodes take it back"
    return [
        ("nodes", ", ".join(node.fqdn for node in action.nodes)),
        ("command", shlex.join(preview.command)),
        *([("undone by", back)] if action.breaks else []),
        *([("begins", _begin(action.arguments["at"]))] if "at" in action.arguments else []),
        *([("lasts", ends)] if action.undo else []),
        *(("meets", f"{each.verb} {each.subject} on {each.node}, by {each.by}") for each in preview.conflicts),
        *(("not asked", f"{name} could not report its faults") for name in preview.unasked),
        *(("tells", f"{name}: {text}") for name, sentences in preview.told.items() for text in sentences),
        *(("refused", text) for text in preview.refusals),
        *([("needs", "--yes, as it acts on every node of the cloud")] if preview.whole_cloud else []),
    ]


def _begin(at: float) -> str:
    when = f"{at:g} s later" if is_delay(at) else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    return f"{when}, on all nodes at once or on none"


def _document(preview: Preview) -> dict[str, Any]:
    action = preview.action
    return {
        "verb": action.verb,
        "subject": action.subject,
        "nodes": [node.fqdn for node in action.nodes],
        "arguments": dict(action.arguments),
        "command": preview.command,
        "directory": str(preview.directory),
        "undone_by": action.undo,
        "seconds": preview.seconds,
        "conflicts": [
            {
                "node": each.node,
                "id": each.id,
                "fault": each.verb,
                "subject": each.subject,
                "by": each.by,
                "until": each.until,
            }
            for each in preview.conflicts
        ],
        "not_asked": list(preview.unasked),
        "refused": list(preview.refusals),
        "told": {name: list(sentences) for name, sentences in preview.told.items()},
        "whole_cloud": preview.whole_cloud,
    }


class _Plans(Verbs):
    """The verbs of ``inject``, which are only planned here."""

    def command_of(self, verb: str) -> Command | None:
        """Return the command of a verb; None when there is no such verb."""
        return command_of(verb, self.subjects, _inject)


class _ContainerPlans(_Plans, ContainerVerbs):
    """The verbs of ``inject container``, which are only planned here."""

    subjects = ContainerVerbs.subjects


plan = Group(
    "plan", no_args_is_help=True, help="Print what a command would do and what would block it; change nothing."
)
_of_inject = _Plans(
    "inject",
    no_args_is_help=True,
    subcommand_metavar="VERB ...",
    help="Print what 'inject' would do: nodes, command, undo, duration, "
    "faults that it would meet, and why it would be refused (the exit code is 2 then).",
)
_of_inject.add_command(
    _ContainerPlans(
        "container", no_args_is_help=True, subcommand_metavar="VERB ...", help="Print what 'inject container' would do."
    )
)
plan.add_command(_of_inject)
plan.add_command(Heal("heal", callback=_heal, help="Print what 'heal' would do, run by run."))
