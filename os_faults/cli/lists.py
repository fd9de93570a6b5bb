"""Commands about os-faults itself: ``drivers``, ``playbooks``, ``completion``."""

from __future__ import annotations

import click

from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.cli.terminal import say


@command("drivers")
@click.pass_obj
def drivers(session: Session) -> None:
    """List the drivers, ours and those of other packages."""
    from os_faults.registry import KINDS, get, names

    rows = [
        {"kind": kind, "driver": name, "description": get(kind, name).DESCRIPTION}
        for kind in KINDS
        for name in names(kind)
    ]
    if session.out.json:
        session.out.document(drivers=rows)
        return
    for row in sorted(rows, key=lambda row: (row["driver"], row["kind"])):  # a list of names in YAML, with comments
        say(f"- {row['driver']:12}  # {row['kind']}: {row['description']}")


@command("playbooks")
@click.option("--path", is_flag=True, help="Print only the directory of the playbooks.")
@click.pass_obj
def playbooks(session: Session, path: bool) -> None:
    """List the playbooks and their contracts; each also runs by ansible-playbook alone."""
    from os_faults.actions import contracts
    from os_faults.cli.contracts import plain
    from os_faults.resources import playbooks_dir

    if path:
        say(str(playbooks_dir()))
        return
    rows = [
        {
            "playbook": name,
            "subject": contract.subject,
            "verbs": [verb.name for verb in contract.verbs] if contract.verbs_from else [],
            "options": [option for option in contract.options if option != contract.verbs_from],
            "read_only": contract.read_only,
            "undone_by": dict(contract.undone_by),
            "only_for": {option: list(verbs) for option, verbs in contract.only_for.items()},
            "description": plain(contract.short_description),
        }
        for name, contract in contracts().items()
    ]
    columns = ("playbook", "subject", "verbs", "options", "description")
    session.out.table("playbooks", columns, rows, directory=str(playbooks_dir()))


@command(
    "completion",
    help="Print the completion of a shell.\n\n"
    '\b\n  eval "$(os-faults completion bash)"\n'
    "  os-faults completion fish > ~/.config/fish/completions/os-faults.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion."""
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    if maker is not None:
        say(maker(ctx.find_root().command, {}, "os-faults", "_OS_FAULTS_COMPLETE").source())
