"""The command lines, ``os-faults`` and ``os-inject-fault``: mouths of the library.

Verbs, their arguments, choices and help come from the contracts of the playbooks. Whatever costs time to import
(YAML, Ansible, rich) is imported where it is used, so that ``--help`` and completion are quick.

============  ==========================================================
`app`         ``os-faults`` itself
`sentence`    ``os-inject-fault SENTENCE``
`outcome`     errors → exit codes
`session`     what the global options mean: configuration, cloud, logging
`globals`     global options, also after the command
`interrupts`  Ctrl-C and SIGTERM
`contracts`   contract → arguments and options
`targets`     ``--on``
`names`       completion of services and nodes
`inject`      ``inject VERB …``, and ``--dry-run``
`heal`        ``heal``
`ask`         ``verify``, ``nodes``, ``services``, ``faults``, ``inventory``
`discover`    ``discover``
`lists`       ``drivers``, ``playbooks``, ``completion``
`demo`        ``demo``
`output`      text and JSON
`progress`    what a person sees while waiting
============  ==========================================================
"""

from os_faults.cli.app import main
from os_faults.cli.sentence import inject_fault

__all__ = ["inject_fault", "main"]
