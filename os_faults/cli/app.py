"""The command ``os-faults``: its commands and global options."""

from __future__ import annotations

from os_faults.cli.commands import COMMANDS
from os_faults.cli.globals import Group, version_option
from os_faults.cli.outcome import EXIT_CODES, Outermost


class Main(Outermost, Group):
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
for _command in COMMANDS:
    main.add_command(_command)
