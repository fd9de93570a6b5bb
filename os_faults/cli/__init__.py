"""The command lines, ``os-faults`` and ``os-inject-fault``.

Verbs, their arguments, choices and help come from the contracts of the playbooks. Slow imports (YAML, Ansible, rich)
are at their place of use, so that ``--help`` and completion are quick.

============  ==========================================================
`app`         ``os-faults`` itself
`commands`    its commands, a file each
`sentence`    ``os-inject-fault SENTENCE``
`globals`     global options, also after the command
`session`     one call of the command: configuration, cloud, logging
`contracts`   contract → arguments and options
`targets`     ``--on``
`guards`      ``--limit`` and ``--yes``
`passwords`   hint at ``--ask-pass`` for a printed command line
`names`       completion of services and nodes
`output`      text and JSON
`components`  listings of services and containers
`incomplete`  answers without some of the nodes
`terminal`    all output to the terminal
`progress`    the progress line on a terminal
`interrupts`  Ctrl-C and SIGTERM
`outcome`     errors → exit codes
============  ==========================================================
"""

from os_faults.cli.app import main
from os_faults.cli.sentence import inject_fault

__all__ = ["inject_fault", "main"]
