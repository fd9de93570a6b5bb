"""The command line, ``os-faults``: a mouth of the library.

Verbs, their arguments, choices and help come from the contracts of the playbooks. Whatever costs time to import
(YAML, Ansible, rich) is imported where it is used, so that ``--help`` and completion are quick.

============  ==========================================================
`app`         the command itself: global options, errors → exit codes
`session`     what the global options mean: configuration, cloud, logging
`globals`     global options, also after the command
`interrupts`  Ctrl-C and SIGTERM
`contracts`   contract → arguments and options
`targets`     ``--on``
`names`       completion of services and nodes
`inject`      ``inject VERB …``, and ``--dry-run``
`heal`        ``heal``
`ask`         ``verify``, ``nodes``, ``services``, ``faults``, ``inventory``
`lists`       ``drivers``, ``playbooks``, ``completion``
`demo`        ``demo``
`output`      text and JSON
`progress`    what a person sees while waiting
============  ==========================================================
"""

from os_faults.cli.app import main

__all__ = ["main"]
