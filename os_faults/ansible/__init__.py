"""How Ansible runs: the only folder that uses ansible-runner.

==================== ====================================================================
`protocol`           the protocols of runner and run; tests and callers may have their own
`runner`             the runner that uses ansible-runner
`run`                one run, in a thread, and its record
`inventory`          nodes → Ansible's inventory, as data
`events`             events of a run → one result for each node
`event_guard`        drops events that a host has forged
`artifacts`          the directory that each run leaves
`kept_runs`          earlier runs: their list, and the removal of old ones
`no_log`             keeps secret arguments out of the artifacts
`private_directory`  ssh control sockets and password files of one cloud object
`settings`           Ansible's settings for a run
`meter`              processor time and memory of a run, and the number of forks
`leftovers`          ends the processes that a stopped run has left
`pexpect_patch`      keeps pexpect from sleeping after a process that has exited
`warm`               the fork server: Ansible imported once for many runs
`workers`            runs on other machines
`executor`           aliases for callers of version 0.3
==================== ====================================================================
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Load the aliases at their first use: callers of 0.3 name ``os_faults.ansible.executor`` without an import."""
    if name != "executor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
