"""Services that os_faults has terminated on this host, and their former users, from the records."""

from __future__ import annotations

import re
from typing import Sequence

from ansible.module_utils.os_faults.hold import identity, store
from ansible.module_utils.os_faults.host import pidfiles, proc, run_as


def is_terminated(name: str) -> bool:
    """Return whether os_faults has terminated a service.

    Args:
        name: name of the service in the record.
    """
    return _record(name) is not None


def identity_of(mains: Sequence[pidfiles.Named], name: str) -> run_as.Identity | None:
    """Return the user and groups that started a service; for a service that is down those from its record.

    Args:
        mains: its main processes, all of one user; the oldest counts.
        name: its name in the record.
    """
    first = min(proc.identify(each.pid for each in mains), key=lambda each: each.start, default=None)
    return run_as.of(first.pid) if first is not None else run_as.load(_recorded(name, "run_as"))


def user_of(mains: Sequence[pidfiles.Named], name: str) -> int | None:
    """Return the user id of a service; for a service that is down the one from its record.

    Unlike `identity_of` it is the current user of the processes, not the user that started them. None if it is unknown.
    For the arguments see `identity_of`.
    """
    found = [users[0] for users in (proc.users(each.pid) for each in mains) if users]
    return found[0] if found else user_when_terminated(name)


def user_when_terminated(name: str) -> int | None:
    """Return the user id of a service when it was terminated; None if the record has none."""
    text = _recorded(name, "user").strip()
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else None


STOPPED_WITH = "stopped_with"
"""The file of a record that names the units which systemd has stopped with the service, one a line."""


def stopped_with(name: str) -> list[str]:
    """Return the units that systemd stopped with a service when it was terminated; none for one that was not."""
    return _recorded(name, STOPPED_WITH).split()


def _record(name: str) -> store.Hold | None:
    return store.find(identity.hold_id("terminate", name))


def _recorded(name: str, file: str) -> str:
    record = _record(name)
    return record.text(file) if record else ""
