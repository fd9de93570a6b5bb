"""``os-faults completion``: prints the completion of a shell."""

from __future__ import annotations

import click

from os_faults.cli.globals import command
from os_faults.cli.terminal import say


@command(
    "completion",
    help="Print the completion script of a shell, for os-faults and os-inject-fault.\n\n"
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
        root = ctx.find_root().command
        for program in ("os-faults", "os-inject-fault"):
            say(maker(root, {}, program, f"_{program.replace('-', '_').upper()}_COMPLETE").source())
