"""``os-faults completion``: prints the completion of a shell."""

from __future__ import annotations

import click

from os_faults.cli.globals import command
from os_faults.cli.terminal import say


@command(
    "completion",
    help="Print the completion script of a shell.\n\n"
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
