"""The command lines, ``os-faults`` and ``os-inject-fault``.

Verbs, their arguments, choices and help come from the contracts of the playbooks. Whatever costs time to import
(YAML, Ansible, rich) is imported where it is used, so that ``--help`` and completion are quick.

============  ==========================================================
`app`         ``os-faults`` itself
`commands`    its commands, a file each
`sentence`    ``os-inject-fault SENTENCE``
`globals`     global options, also after the command
`session`     what they mean: configuration, cloud, logging
`contracts`   contract → arguments and options
`targets`     ``--on``
`guards`      ``--limit`` and ``--yes``
`passwords`   ``--ask-pass`` in a printed command line
`names`       completion of services and nodes
`output`      text and JSON
`components`  listings of services and containers
`incomplete`  answers in which some nodes are missing
`terminal`    the only way to the terminal
`progress`    the line that changes while a person waits
`interrupts`  Ctrl-C and SIGTERM
`outcome`     errors → exit codes
============  ==========================================================
"""

from os_faults.cli.app import main
from os_faults.cli.sentence import inject_fault

__all__ = ["inject_fault", "main"]
