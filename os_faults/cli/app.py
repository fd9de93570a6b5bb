"""The command ``os-faults``: its commands and global options."""

from __future__ import annotations

from os_faults.cli import ask, lists
from os_faults.cli.demo import demo
from os_faults.cli.discover import discover
from os_faults.cli.globals import Group, version_option
from os_faults.cli.heal import heal
from os_faults.cli.inject import inject
from os_faults.cli.outcome import EXIT_CODES, Told
from os_faults.cli.plan import plan


class Main(Told, Group):
    """The outermost group."""


main = Main(
    "os-faults",
    show_globals=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
    help="Break an OpenStack cloud on purpose, and give it back.\n\nThe options may also stand after the command.",
    epilog=EXIT_CODES,
)
main.params.append(version_option())
for _command in (
    ask.verify,
    ask.nodes,
    ask.services,
    ask.containers,
    ask.faults,
    inject,
    heal,
    plan,
    ask.inventory,
    discover,
    lists.playbooks,
    lists.drivers,
    lists.completion,
    demo,
):
    main.add_command(_command)
